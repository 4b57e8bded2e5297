// Drives the Node SDK that NODE_PATH leads to: a call on each line of the input, what came of it on each line of the output.

const { createInterface } = require('node:readline')
const LIVE = require('jdcloud-sdk-js/src/services/live')
const JDCloud = require('jdcloud-sdk-js/src/lib/core')

const live = new LIVE({
  credentials: { accessKeyId: process.env.ACCESS_KEY, secretAccessKey: process.env.SECRET_KEY },
  regionId: 'cn-north-1',
  logger () {},
  endpoint: { protocol: 'http', host: process.env.ENDPOINT }
})

JDCloud.config.logger = () => {}

// Stands between the SDK and the network, and does to a signed request what the call says.
const fetch = JDCloud.fetch
function wire (trick) {
  JDCloud.fetch = async request => {
    const body = request.method === 'GET' || request.method === 'DELETE' ? undefined : await request.text()
    const send = body => fetch(request.url, { method: request.method, headers: request.headers, body })
    if (trick === 'replay') await send(body)
    const response = await send(trick === 'tamper' ? body.replace('room_7', 'room_8') : body)
    if (!response.headers.get('x-jdcloud-request-id')) throw new Error('no request id')
    return response
  }
  Object.assign(JDCloud.fetch, { Request: fetch.Request, Headers: fetch.Headers })
}

async function main () {
  for await (const line of createInterface({ input: process.stdin })) {
    const { operation, parameters, trick, late = 0 } = JSON.parse(line)
    wire(trick)
    JDCloud.util.date.getDate = () => new Date(Date.now() - late * 1000)
    const { requestId, result, error } = await live[operation](parameters).catch(refused => refused)
    if (!requestId) throw new Error(`no answer to ${line}`)
    const told = error ? { code: error.code, status: error.status } : null
    console.log(JSON.stringify({ requestId, error: told, result: result ?? null }))
  }
}

main()
