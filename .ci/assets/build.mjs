// Builds the static files of the pages from the compiled WebAssembly, `style/` and `public/`, for the binary to embed:
//
//   node build.mjs WASM OUTPUT [--release]
//
// A release is minified; its files have their hash in their names and lie beside copies compressed by brotli and gzip.
// OUTPUT/manifest.json maps the plain name of each file to its path.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const [wasm, output] = process.argv.slice(2, 4).map((path) => resolve(path));
const release = process.argv.includes('--release');
const here = import.meta.dirname;
const top = resolve(here, '../..');

/** Bundles a script or style sheet with everything that it imports. */
async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    minify: release,
    legalComments: 'inline',
    logLevel: 'warning',
    write: false,
  });
  return Buffer.from(outputFiles[0].contents);
}

/** The WebAssembly as browsers load it, and the script that they load it with. */
async function application() {
  const folder = mkdtempSync(join(tmpdir(), 'callsheet-assets-'));
  try {
    // The page itself names the WebAssembly to load.
    execFileSync('wasm-bindgen', [wasm, '--target', 'web', '--omit-default-module-path', '--no-typescript', '--out-name', 'callsheet', '--out-dir', folder]);
    const compiled = join(folder, 'callsheet_bg.wasm');
    if (release) execFileSync(join(here, 'node_modules/.bin/wasm-opt'), ['-Oz', compiled, '-o', compiled]);
    return { script: await bundle(join(folder, 'callsheet.js')), wasm: readFileSync(compiled) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const hash = (...contents) => contents.reduce((sum, content) => sum.update(content), createHash('sha256')).digest('hex').slice(0, 16);

const files = new Map();
const manifest = {};

/** Adds a file by its plain name. */
function add(name, content, tag = hash(content)) {
  const extension = extname(name);
  const path = `pkg/${release ? `${basename(name, extension)}.${tag}${extension}` : name}`;
  manifest[name] = path;
  files.set(path, content);
  if (!release) return;
  files.set(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }));
  files.set(`${path}.gz`, gzipSync(content, { level: 9 }));
}

/** Makes `output` hold `files` and nothing else. It leaves unchanged files alone, because cargo embeds newer files again. */
function write() {
  mkdirSync(output, { recursive: true });
  for (const entry of readdirSync(output, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !files.has(path.slice(output.length + 1))) rmSync(path);
  }
  for (const [name, content] of files) {
    const path = join(output, name);
    if (existsSync(path) && readFileSync(path).equals(content)) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

const { script, wasm: code } = await application();
// One hash for both: the framework names them by one stem.
const both = hash(script, code);
add('callsheet.js', script, both);
add('callsheet.wasm', code, both);
add('callsheet.css', await bundle(join(top, 'style/main.css')));
add('chart.js', await bundle(join(top, 'public/chart/chart.js')));
for (const name of ['favicon.svg', 'chart/uplot-LICENSE.txt']) add(basename(name), readFileSync(join(top, 'public', name)));
files.set('manifest.json', Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
write();
