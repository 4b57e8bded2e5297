import { type Account, Callsheet } from '../../fixtures/callsheet.ts';
import { expect, signedOut, test } from '../../fixtures/index.ts';
import { expectAccessible } from '../../fixtures/a11y.ts';

for (const locale of ['en-US', 'zh-CN']) {
  test.describe(locale, () => {
    test.use({ locale });

    test('API keys and the audit log', async ({ page, callsheet, api }) => {
      const tag = locale.toLowerCase();
      const long = `push.${'a-long-label-of-a-domain.'.repeat(8)}${tag}.example`;
      const domains = [long, ...Array.from({ length: 9 }, (_, n) => `push.room-${n}.${tag}.example`)];
      for (const domain of domains) await api.createDomain(domain);
      await api.setCallback(long, 'publish', `http://127.0.0.1:8099/${'a-long-path'.repeat(12)}`);
      await api.setCallback(long, 'publish', 'http://127.0.0.1:8099/', false);
      const some = domains.slice(0, 5).flatMap((domain) => ['--domain', domain]);
      callsheet.command(['key', 'create', '--name', `${'deploy-'.repeat(6)}${tag}`, '--role', 'operator', '--expires-days', '90', ...some]);
      await page.goto('/keys');
      await expectAccessible(page, 'keys');
      await page.goto('/keys/new');
      await expectAccessible(page, 'key-new');
      await page.locator('[name=name]').fill('tests');
      await page.locator('[name=expiry]').selectOption('date');
      await page.locator('[name=expiresAt]').fill('2030-12-31');
      await page.locator('main .primary').click();
      await expect(page.locator('[name=name]')).toHaveAttribute('aria-invalid', 'true');
      await expectAccessible(page, 'key-new-refused');
      await page.locator('[name=name]').fill(`reader-${tag}`);
      await page.locator('[name=reach][value=some]').check();
      await page.locator('main .primary').click();
      await expect(page.getByRole('alert')).toBeVisible();
      await expectAccessible(page, 'key-new-no-domains');
      await page.locator('[name="domains[]"]').first().check();
      await page.locator('main .primary').click();
      await expect(page.getByText(/^cs_/)).toBeVisible();
      for (const fold of await page.locator('details.disclosure > summary').all()) await fold.click();
      await expectAccessible(page, 'key-shown-once');
      await page.goto('/keys/9999');
      await expectAccessible(page, 'key-unknown');

      await page.goto('/audit');
      for (const fold of (await page.locator('.audit-details > summary').all()).slice(0, 6)) await fold.click();
      await expectAccessible(page, 'audit');
      await page.goto('/audit?q=nothing-says-this&actor=ada');
      await expectAccessible(page, 'audit-no-match');
    });

    test.describe('with a separate console', () => {
      test.use({ storageState: signedOut });

      test('an empty list of API keys, and the audit log refused to operators', async ({ page }, testInfo) => {
        const fresh = await Callsheet.start(testInfo.outputPath('console'));
        try {
          const [ada, otto] = [fresh.createUser('admin', 'ada'), fresh.createUser('operator', 'otto')];
          const enter = async ({ name, password }: Account, path: string) => {
            await page.context().clearCookies();
            await page.goto(`${fresh.url}/login?next=${path}`);
            await page.locator('[name=name]').fill(name);
            await page.locator('[name=password]').fill(password);
            await page.locator('main button').click();
            await page.waitForURL(`**${path}`);
          };
          await enter(ada, '/keys');
          await expectAccessible(page, 'keys-none');
          await enter(otto, '/audit');
          await expectAccessible(page, 'audit-forbidden');
        } finally {
          await fresh.stop();
        }
      });
    });
  });
}
