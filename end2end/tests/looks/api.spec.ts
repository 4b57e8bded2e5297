import { test } from '../../fixtures/index.ts';
import { expectGoodLooks } from '../../fixtures/looks.ts';

for (const locale of ['en-US', 'zh-CN']) {
  test.describe(locale, () => {
    test.use({ locale });

    test('the description of the API', async ({ page }) => {
      await page.goto('/api');
      await expectGoodLooks(page, 'api');
      for (const anchor of ['replaceCallback', 'getUsage', 'shape-Callback', 'shape-DeliveryDetail']) {
        await page.locator(`details:has(> #${anchor}) > summary, #${anchor} summary`).first().click();
      }
      await expectGoodLooks(page, 'api-unfolded');
    });
  });
}
