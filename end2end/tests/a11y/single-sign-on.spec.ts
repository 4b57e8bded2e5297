import { Callsheet } from '../../fixtures/callsheet.ts';
import { expect, signedOut, test } from '../../fixtures/index.ts';
import { expectAccessible } from '../../fixtures/a11y.ts';
import { Provider } from '../../fixtures/provider.ts';

for (const locale of ['en-US', 'zh-CN']) {
  test.describe(locale, () => {
    test.use({ locale, storageState: signedOut });

    test('the connection test of single sign-on', async ({ page }, info) => {
      let provider: Provider | undefined;
      const console = await Callsheet.start(info.outputPath('console'), async (url) => {
        provider = await Provider.start(url);
        return { ...provider.settings(url), CALLSHEET_OIDC_AUDIENCES: 'project-of-all-clients' };
      });
      try {
        const admin = console.createUser('admin', 'ada');
        await page.goto(`${console.url}/login?next=/settings`);
        await page.locator('[name=name]').fill(admin.name);
        await page.locator('[name=password]').fill(admin.password);
        await page.locator('button.primary').click();
        await page.locator('main a[href="/settings/single-sign-on"]').click();
        await expect(page.locator('dl.description-list')).toContainText(`${console.url}/login/callback`);
        await expectAccessible(page, 'single-sign-on');

        // The browser is redirected to the provider and back.
        const groups = ['operator', ...Array.from({ length: 20 }, (_, n) => `a-group-with-a-long-name-${n}`)];
        await provider?.signInAs({ sub: '7', preferred_username: 'grace', groups });
        await page.locator('main form button').click();
        await expect(page.locator('#result [role=status]')).toContainText('grace');
        await expect(page.getByRole('rowheader', { name: 'groups' })).toBeVisible();
        await expectAccessible(page, 'single-sign-on-tested');

        await provider?.signInAs({ sub: '7', preferred_username: 'grace', groups: groups.slice(1) });
        await page.locator('main form button').click();
        await expect(page.locator('#result [role=alert]')).toContainText('no role: looked for admin, operator or reviewer in roles, groups');
        await expectAccessible(page, 'single-sign-on-refused');
        await page.goto(`${console.url}/users`);
        await expect(page.getByRole('rowheader', { name: 'ada' })).toBeVisible();
        await expect(page.getByRole('rowheader', { name: 'grace' })).toHaveCount(0);

        // Another user is refused with a reference for the admin, then let in with a role.
        await page.context().clearCookies();
        await page.goto(`${console.url}/login/provider?next=/domains`);
        await expect(page.getByText(/[0-9a-f]{8}/)).toBeVisible();
        await expectAccessible(page, 'login-refused');
        await provider?.signInAs({ sub: '7', preferred_username: 'grace', groups });
        await page.goto(`${console.url}/login/provider?next=/domains`);
        await expect(page).toHaveURL(`${console.url}/domains`);
      } finally {
        await console.stop();
        await provider?.stop();
      }
    });
  });
}
