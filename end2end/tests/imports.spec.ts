import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { action, expect, expectRefused, signedOut, signIn, test } from '../fixtures/index.ts';
import { lastBin } from '../fixtures/usage.ts';

const play = 'play.uploads.example';
const combined = '192.0.2.1 - - [22/Nov/2026:09:01:03 +0000] "GET /v.mp4 HTTP/1.1" 200 1000 "-" "curl"\n';

test.beforeAll(async ({ api }) => api.createDomain('push.uploads.example', play));

/** Log lines of a host up to now, of 1,000 bytes served each. */
function lines(host: string, count: number, more = ''): string {
  const line = (n: number) => JSON.stringify({ msec: lastBin() - n, host, uri: `/${more}${n}.ts`, status: 200, bytes_sent: 1000 });
  return Array.from({ length: count }, (_, n) => `${line(n)}\n`).join('');
}

async function choose(page: Page, name: string, content: string | Buffer): Promise<void> {
  await page.getByLabel('Log file').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
}

const outcome = (page: Page) => page.locator('.import-result');
const row = (page: Page, name: string) => page.locator('#latest tbody tr').filter({ hasText: name });

test('a log is uploaded, and the result is shown in place', async ({ page }) => {
  await page.goto('/statistics/usage');
  await page.getByRole('navigation').getByRole('link', { name: 'Access logs' }).click();
  const log = `${lines(play, 50)}oops\n${lines('cdn.uploads.example', 3)}`;
  await choose(page, 'play.log', log);
  await action(page, 'Upload and count').click();
  await expect(outcome(page)).toContainText('play.log has been counted.');
  await expect(outcome(page)).toContainText('54');
  await expect(outcome(page).getByRole('row', { name: '51 The line is not a JSON object.' })).toBeVisible();
  await expect(row(page, 'play.log')).toContainText('54');

  await choose(page, 'again.log.gz', gzipSync(log));
  await action(page, 'Upload and count').click();
  await expect(outcome(page)).toContainText('again.log.gz was already imported. Nothing was added.');

  await choose(page, 'grown.log', log + lines(play, 7, 'late-'));
  await action(page, 'Upload and count').click();
  await expect(outcome(page)).toContainText('were counted before and were skipped');
  await expect(outcome(page).locator('dd').nth(1)).toHaveText('7');
  await expect(row(page, 'play.log')).toHaveCount(0);
  await expect(row(page, 'grown.log')).toContainText('61');
});

test('an unknown host becomes a VOD domain', async ({ page }) => {
  await page.goto('/statistics/imports');
  await choose(page, 'vod.log', lines('vod.uploads.example', 5));
  await action(page, 'Upload and count').click();
  await expect(outcome(page)).toContainText('5 lines of unknown hosts');
  await action(outcome(page), 'Add as VOD domain').click();
  await expect(page.getByLabel('Domain', { exact: true })).toHaveValue('vod.uploads.example');
  await page.getByLabel('File location').fill('films/public');
  await action(page, 'Add').click();
  await expect(page.getByRole('status')).toContainText('vod.uploads.example has been added.');

  await page.goto('/statistics/imports');
  await choose(page, 'vod-2.log', lines('vod.uploads.example', 6, 'second-'));
  await action(page, 'Upload and count').click();
  await expect(outcome(page)).toContainText('vod-2.log has been counted.');
  await expect(outcome(page)).not.toContainText('unknown');
});

test('errors of an upload are shown at their fields', async ({ page }) => {
  await page.goto('/statistics/imports');
  await choose(page, 'notes.txt', 'neither this\nnor that\n');
  await page.getByLabel('Domain').fill(play);
  await action(page, 'Upload and count').click();
  await expectRefused(page.getByLabel('Format'), /could not be detected/);
  await expect(page.getByLabel('Domain')).toHaveValue(play);

  await choose(page, 'combined.log', combined);
  await page.getByLabel('Domain').fill('');
  await action(page, 'Upload and count').click();
  await expectRefused(page.getByLabel('Domain'), /contain no host/);
});

test.describe('a reviewer', () => {
  test.use({ storageState: signedOut });

  test('sees the imports, and no form', async ({ page, callsheet }) => {
    await page.goto('/login');
    await signIn(page, callsheet.createUser('reviewer', 'iris'));
    await page.goto('/statistics/imports');
    await expect(page.getByText('Only operators and admins can upload logs.')).toBeVisible();
    await expect(page.getByLabel('Log file')).toHaveCount(0);
    await expect(page.locator('#latest')).toBeVisible();
    await page.goto('/settings');
    await expect(page.getByText('Retry schedule')).toBeVisible();
    await expect(action(page, 'Add')).toHaveCount(0);
  });
});

test.describe('with JavaScript', () => {
  test('a refused form keeps its file', async ({ page }) => {
    await page.goto('/statistics/imports');
    await choose(page, 'combined.log', combined);
    await action(page, 'Upload and count').click();
    await expectRefused(page.getByLabel('Domain'), /contain no host/);
    await page.getByLabel('Domain').fill(play);
    await action(page, 'Upload and count').click();
    await expect(outcome(page)).toContainText('combined.log has been counted.');
  });

  test('an upload shows its progress and can be cancelled', async ({ page }) => {
    await page.goto('/statistics/imports');
    const network = await page.context().newCDPSession(page);
    const conditions = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 400_000 };
    await network.send('Network.emulateNetworkConditions', conditions);
    const log = lines(play, 30_000, 'slow-');
    await choose(page, 'slow.log', log);
    await action(page, 'Upload and count').click();
    await expect(page.getByRole('progressbar')).toBeVisible();
    await expect(page.locator('.upload-progress')).toContainText(/\d KB of 3\.1 MB sent, \d+ %/);
    await action(page, 'Cancel').click();
    await expect(page.getByRole('status')).toHaveText('Cancelled. Nothing was counted.');
    await expect(page.getByRole('progressbar')).toBeHidden();
    await expect(row(page, 'slow.log')).toHaveCount(0);

    await network.send('Network.emulateNetworkConditions', { ...conditions, uploadThroughput: -1 });
    await action(page, 'Upload and count').click();
    await expect(outcome(page)).toContainText('slow.log has been counted.');
    await expect(outcome(page).locator('dd').nth(1)).toHaveText('30,000');
    await expect(row(page, 'slow.log')).toHaveCount(1);

    await network.send('Network.emulateNetworkConditions', { ...conditions, offline: true });
    await choose(page, 'offline.log', lines(play, 1, 'offline-'));
    await action(page, 'Upload and count').click();
    await expect(page.getByRole('alert')).toContainText('The connection was lost.');
  });
});
