import { expect, test } from '../../fixtures/index.ts';
import { expectHydrated } from '../../fixtures/callback.ts';
import { expectAccessible } from '../../fixtures/a11y.ts';
import { Push } from '../../fixtures/push.ts';

for (const locale of ['en-US', 'zh-CN']) {
  test.describe(locale, () => {
    test.use({ locale });

    test('filled pages', async ({ page, callsheet, api, receiver }) => {
      const push = `push.${'a-long-label-of-a-domain.'.repeat(8)}${locale.toLowerCase()}.example`;
      await api.createDomain(push);
      await api.record(push, 2);
      await api.setCallback(push, 'publish', receiver.url(`/${'a-long-path'.repeat(12)}`));
      await api.setCallback(push, 'record', receiver.url('/record'));
      receiver.status = 503;
      const stream = `${'long_'.repeat(9)}room`;
      const live = Push.start(callsheet, `rtmp://${push}/live/${stream}`, 170);
      await receiver.until('/record', 'record_started');
      await api.forbid(push, 'live', `${'held_'.repeat(9)}room`);
      for (const [name, path] of [
        ['overview', '/'],
        ['streams-live', `/domains/${push}/streams`],
        ['stream-disconnect', `/domains/${push}/streams/live/${stream}/disconnect`],
        ['stream-forbid', `/domains/${push}/streams/live/${stream}/forbid`],
      ] as const) {
        await page.goto(path);
        await expect(page.getByText(`live/${stream}`).first()).toBeVisible();
        await expectAccessible(page, name);
      }
      await live.stop();
      receiver.status = 200;
      await receiver.until('/record', 'record_done');
      await Push.start(callsheet, 'rtmp://push.unknown.example/live/room_1', 1).ended().catch(() => 'refused');

      for (const [name, path] of [
        ['domains', '/domains'],
        ['domain', `/domains/${push}`],
        ['deliveries', '/deliveries?q=live'], // with its lesser filters open
        ['domain-deliveries', `/domains/${push}/deliveries`],
        ['streams', `/domains/${push}/streams`],
        ['sources', '/sources'],
      ] as const) {
        await page.goto(path);
        await expectAccessible(page, name);
      }
      await page.getByRole('rowheader').getByRole('link').first().click(); // the built-in source
      await expectAccessible(page, 'source');
      await page.goto(`/domains/${push}/deliveries`);
      await page.getByRole('rowheader').getByRole('link').last().click();
      await expectAccessible(page, 'delivery');
      await page.goto(`/domains/${push}/streams`);
      await page.getByRole('rowheader').getByRole('link').first().click();
      await expectAccessible(page, 'session');
      await api.enable(push, false);
      await page.goto(`/domains/${push}/delete`);
      await expectAccessible(page, 'domain-delete');
    });

    test('confirmations, refused forms and secrets', async ({ page, api, receiver }) => {
      const push = `push.asks.${locale.toLowerCase()}.example`;
      await api.createDomain(push);
      await api.setCallback(push, 'publish', receiver.url('/works'));
      await page.goto(`/domains/${push}?edit=publish`);
      await expectHydrated(page);
      const row = page.locator('#callback-publish');
      const [check, ok] = [row.locator('button[formaction]'), row.locator('.edit-form button.primary')];
      await check.click();
      await expect(row.locator('.success-text')).toBeVisible();
      await expectAccessible(page, 'callback-tested');
      const closed = receiver.url('/closed');
      await receiver.close();
      await row.getByRole('textbox').fill(closed);
      await ok.click();
      await expect(row.locator('.phases .remedy')).toBeVisible();
      await expectAccessible(page, 'callback-asks');
      await row.getByRole('textbox').fill('ftp://callbacks.example');
      await ok.click();
      await expect(row.getByRole('textbox')).toHaveAttribute('aria-invalid', 'true');
      await page.locator('#publish-advanced > summary').click();
      await expectAccessible(page, 'callback-refused');
      await page.locator('#publish-advanced form').last().getByRole('button').click();
      await expect(page.getByText(/^whsec_/)).toBeVisible();
      await expectAccessible(page, 'callback-secret');

      await page.goto('/domains/new');
      await page.locator('[name=pushDomain]').fill('push');
      await page.locator('[name=playDomains]').fill('push');
      await page.locator('main button').click();
      await expectAccessible(page, 'domain-new-refused');
      await page.goto('/sources/new');
      await page.locator('[name=name]').fill(`edge-${locale}`);
      await page.locator('main button').click();
      await expect(page.locator('pre')).toContainText('on_publish');
      await expectAccessible(page, 'source-nginx');
    });
  });
}
