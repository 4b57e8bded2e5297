import { expect, test } from '../../fixtures/index.ts';
import { expectAccessible } from '../../fixtures/a11y.ts';
import { lastBin } from '../../fixtures/usage.ts';

for (const locale of ['en-US', 'zh-CN']) {
  test.describe(locale, () => {
    test.use({ locale });

    test('access logs and settings, empty, filled and failing', async ({ page, api }) => {
      const tag = locale.toLowerCase();
      if (locale === 'en-US') {
        await page.goto('/statistics/imports');
        await expectAccessible(page, 'imports-empty');
        await page.goto('/settings');
        await expectAccessible(page, 'settings-empty');
      }
      const play = `play.imports-${tag}.example`;
      await api.createDomain(`push.imports-${tag}.example`, play);
      const line = (host: string, n: number) => `${JSON.stringify({ msec: lastBin() - n, host, status: 200, bytes_sent: 48_204_112 })}\n`;
      const lines = (host: string, count: number) => Array.from({ length: count }, (_, n) => line(host, n)).join('');
      const upload = async (name: string, content: string) => {
        await page.goto('/statistics/imports');
        await page.locator('#file').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
        await page.locator('#upload .btn.primary').click();
      };
      const outcome = page.locator('.import-result');

      await upload('edge-2026-11-22.log', lines(play, 1284));
      await expect(outcome).toBeVisible();
      await expectAccessible(page, 'imports-good');
      await upload('edge-2026-11-22.log', lines(play, 1284));
      await expect(outcome).toBeVisible();
      await expectAccessible(page, 'imports-duplicate');
      const long = `logs.${'a-long-label-of-a-domain.'.repeat(8)}${tag}.example`;
      await upload(
        `${'a-long-name-of-a-log-file-'.repeat(5)}${tag}.log`,
        lines(play, 12) + 'oops\n'.repeat(25) + lines(`cdn.imports-${tag}.example`, 900) + lines(long, 31) + lines('127.0.0.1', 2),
      );
      await expect(outcome).toBeVisible();
      await expectAccessible(page, 'imports-mixed');
      await upload('notes.txt', 'neither this\nnor that\n');
      await expect(page.locator('#format-error')).toBeVisible();
      await expectAccessible(page, 'imports-refused');

      const network = await page.context().newCDPSession(page);
      await network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 20_000 });
      await upload('slow.log', lines(play, 20_000));
      await expect(page.locator('.upload-progress')).toContainText('MB');
      await expectAccessible(page, 'imports-sending');

      await page.goto(`/settings?vod=cdn.imports-${tag}.example`);
      await page.locator('#path').fill('films/../public');
      await page.locator('#add-vod-domain .btn.primary').click();
      await expectAccessible(page, 'settings-refused');
      for (const [name, path] of [
        [`cdn.imports-${tag}.example`, 'films/public'],
        [long, 'recordings/record/*/push.example.com'],
      ] as const) {
        await page.goto(`/settings?vod=${name}`);
        await page.locator('#path').fill(path);
        await page.locator('#add-vod-domain .btn.primary').click();
      }
      await page.locator('.confirm summary').first().click();
      await expectAccessible(page, 'settings');
    });
  });
}
