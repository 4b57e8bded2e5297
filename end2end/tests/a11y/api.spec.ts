import { test } from '../../fixtures/index.ts';
import { expectAccessible } from '../../fixtures/a11y.ts';

for (const locale of ['en-US', 'zh-CN']) {
  test.describe(locale, () => {
    test.use({ locale });

    test('the API reference', async ({ page }) => {
      await page.goto('/api');
      await expectAccessible(page, 'api');
      for (const anchor of ['replaceCallback', 'getUsage', 'shape-Callback', 'shape-DeliveryDetail']) {
        await page.locator(`details:has(> #${anchor}) > summary, #${anchor} summary`).first().click();
      }
      await expectAccessible(page, 'api-unfolded');
    });
  });
}
