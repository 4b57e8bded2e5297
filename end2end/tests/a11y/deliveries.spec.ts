import { expect, test } from '../../fixtures/index.ts';
import { expectAccessible } from '../../fixtures/a11y.ts';
import { Push } from '../../fixtures/push.ts';

for (const locale of ['en-US', 'zh-CN']) {
  test.describe(locale, () => {
    test.use({ locale });

    test('selected deliveries, a delivery and recoveries', async ({ page, callsheet, api, receiver }) => {
      const push = `push.recover.${locale.toLowerCase()}.example`;
      const off = `push.off.${locale.toLowerCase()}.example`;
      const publish = (domain: string) => Push.start(callsheet, `rtmp://${domain}/live/room_7`, 1).ended();
      for (const domain of [push, off]) {
        await api.createDomain(domain);
        await api.setCallback(domain, 'publish', receiver.url('/recover'), false);
        await publish(domain);
      }
      await api.setCallback(push, 'publish', receiver.url(`/recover/${'a-long-path'.repeat(8)}`));
      receiver.status = 503;
      const retried = publish(push);
      await expect.poll(() => receiver.received.length).toBeGreaterThan(1);
      receiver.status = 200;
      await retried;

      await page.goto(`/domains/${push}/deliveries`);
      for (const box of (await page.getByRole('checkbox').all()).slice(0, 2)) await box.check();
      await expect(page.locator('.bulk-actions')).toBeVisible();
      await expectAccessible(page, 'deliveries-selected');
      await page.getByRole('row').filter({ hasText: 'publish_started' }).first().getByRole('link').first().click();
      await page.locator('#by-hand details.disclosure > summary').click();
      await page.locator('.receiver-example > summary').first().click();
      await page.locator('.attempt > summary').last().click();
      await expectAccessible(page, 'delivery-explained');

      await page.goto('/recoveries');
      await expectAccessible(page, 'recover');
      await page.locator('.recovery-preview form button').click();
      await expect(page.locator('#progress progress')).toBeVisible();
      await expect(page.locator('[data-waits]')).toHaveCount(0);
      await expectAccessible(page, 'recovery');
      await page.goto('/recoveries?status=5xx');
      await expectAccessible(page, 'recover-unread');
      await page.goto('/recoveries?q=nothing');
      await expectAccessible(page, 'recover-nothing');
    });
  });
}
