import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Callsheet, binary } from '../fixtures/callsheet.ts';
import { expect, signedOut, signIn, test } from '../fixtures/index.ts';
import { importUsage } from '../fixtures/usage.ts';

test.use({ storageState: signedOut });

test.describe('a copy of the binary in an empty folder', () => {
  let callsheet: Callsheet;

  test.beforeEach(async ({ page }, testInfo) => {
    const folder = testInfo.outputPath('alone');
    mkdirSync(folder, { recursive: true });
    copyFileSync(binary, join(folder, 'callsheet'));
    callsheet = await Callsheet.start(folder, {}, join(folder, 'callsheet'));
    await page.goto(`${callsheet.url}/login`);
    await signIn(page, callsheet.createUser('admin', 'ada'));
  });
  test.afterEach(() => callsheet.stop());

  test('serves pages with their style sheet', async ({ page }) => {
    await expect(page.locator('body')).toHaveCSS('margin', '0px');
    await expect(page.getByRole('navigation', { name: 'Console' })).toBeVisible();
  });

  test('with JavaScript, runs islands and draws charts', async ({ page }) => {
    const missing: string[] = [];
    page.on('response', (response) => {
      if (response.status() >= 400) missing.push(response.url());
    });
    await page.goto(`${callsheet.url}/domains/new`);
    await page.getByLabel('Push domain').fill('push.alone.example');
    await page.getByLabel('Play domains').fill('play.alone.example');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await expect(page).toHaveURL(/push\.alone\.example/);
    await page.evaluate(() => document.body.setAttribute('data-same', ''));
    await page.getByRole('switch').first().click();
    await expect(page.getByRole('switch').first()).toBeChecked();
    await expect(page.locator('body'), 'the same document').toHaveAttribute('data-same', '');
    importUsage(callsheet, { 'play.alone.example': 1 }, 1);
    await page.goto(`${callsheet.url}/statistics/usage`);
    await expect(page.locator('.chart canvas')).toBeVisible();
    expect(missing).toEqual([]);
  });
});
