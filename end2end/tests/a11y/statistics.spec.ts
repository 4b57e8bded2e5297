import { expect, test } from '../../fixtures/index.ts';
import { expectAccessible } from '../../fixtures/a11y.ts';
import { importTranscoding, importUsage } from '../../fixtures/usage.ts';

for (const locale of ['en-US', 'zh-CN']) {
  test.describe(locale, () => {
    test.use({ locale });

    test('statistics, empty and filled', async ({ page, callsheet, api }) => {
      const name = (first: string) => `${first}.stats-${locale.toLowerCase()}.example`;
      if (locale === 'en-US') {
        for (const path of ['usage', 'transcoding']) {
          await page.goto(`/statistics/${path}`);
          await expectAccessible(page, `${path}-empty`);
        }
      }
      const long = `usage.${'a-long-label-of-a-domain.'.repeat(8)}${locale.toLowerCase()}.example`;
      const weights = { [name('play.sports')]: 12, [name('play.school')]: 6, [name('vod')]: 2, [long]: 1 };
      for (const [at, play] of Object.keys(weights).entries()) await api.createDomain(`push.stats-${at}.${locale.toLowerCase()}.example`, play);
      importUsage(callsheet, weights, 15);
      importTranscoding(callsheet, name('vod'), 30);

      for (const [look, path] of [
        ['usage-day', 'usage'],
        ['usage-traffic', 'usage?slot=7d&metric=traffic'],
        ['transcoding', 'transcoding'],
        ['transcoding-one', 'transcoding?slot=7d&kind=H.264+SD&metric=files'],
      ] as const) {
        await page.goto(`/statistics/${path}`);
        await expect(page.locator('.chart canvas')).toBeVisible();
        await expectAccessible(page, look);
      }
      await page.goto('/statistics/usage?from=2026-11-07&to=2026-11-01&metric=storage');
      await expect(page.getByRole('alert').first()).toBeVisible();
      await expectAccessible(page, 'usage-unread');
      await page.goto('/statistics/usage?slot=7d');
      await page.locator('.chart details > summary').click();
      await page.locator('.domain-picker > summary').click();
      await expectAccessible(page, 'usage-table');
    });
  });
}
