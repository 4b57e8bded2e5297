import { join } from 'node:path';
import { Callsheet } from '../../fixtures/callsheet.ts';
import { expect, signedOut, test } from '../../fixtures/index.ts';
import { expectAccessible } from '../../fixtures/a11y.ts';
import { totp } from '../../fixtures/totp.ts';

for (const locale of ['en-US', 'zh-CN']) {
  test.describe(locale, () => {
    test.use({ locale, storageState: signedOut });

    test('users, profile, invitations and login', async ({ page, browser }, info) => {
      // A separate console, so that the list of users has only those of this test.
      const console = await Callsheet.start(join(info.project.outputDir, 'consoles', `accounts-${locale}-${info.retry}`), {
        CALLSHEET_PUBLIC_URL: 'https://callsheet.example.com',
        CALLSHEET_OIDC_ISSUER: 'https://login.example.com/realms/video',
        CALLSHEET_OIDC_CLIENT_ID: 'callsheet',
      });
      const admin = console.createUser('admin', 'ada');
      const owner = console.createUser('operator', 'grace hopper with a name of fifty characters long');
      console.createUser('reviewer', '王小明');
      const to = (path: string) => `${console.url}${path}`;
      await page.goto(to('/login'));
      await expectAccessible(page, 'login-provider');
      await page.locator('[name=name]').fill(admin.name);
      await page.locator('[name=password]').fill(admin.password);
      await page.locator('button.primary').click();

      const other = await browser.newPage({ baseURL: console.url, locale, storageState: signedOut });
      await other.goto('/login');
      await other.locator('[name=name]').fill(owner.name);
      await other.locator('[name=password]').fill(owner.password);
      await other.locator('button.primary').click();
      await other.goto('/profile');
      await other.locator('#two-factor button.primary').click();
      await expectAccessible(other, 'profile-qr');
      const secret = await other.getByText(/^[A-Z2-7]{32}$/).innerText();
      await other.locator('#first-code').fill(totp(secret));
      await other.locator('#two-factor button.primary').click();
      await expect(other.locator('#two-factor pre')).toBeVisible();
      await expectAccessible(other, 'profile-codes');
      await other.setViewportSize({ width: 1440, height: 900 });
      await other.locator('.sidebar form button').click();
      await other.locator('[name=name]').fill(owner.name);
      await other.locator('[name=password]').fill(owner.password);
      await other.locator('button.primary').click();
      await expectAccessible(other, 'login-code');
      await other.locator('[name=code]').fill(totp(secret, 1));
      await other.locator('button.primary').click();

      await page.goto(to('/users/new'));
      await page.locator('[name=name]').fill('ada');
      await page.locator('main button').click();
      await expectAccessible(page, 'user-invite');
      await page.locator('[name=name]').fill('lin');
      await page.locator('main button').click();
      const link = await page.getByRole('status').locator('code').innerText();
      await expectAccessible(page, 'user-invited');
      await page.goto(to('/users'));
      await page.getByRole('rowheader').getByRole('link', { name: '王小明' }).click();
      await page.locator('details').last().locator('summary').click();
      await page.locator('button.danger').last().click();
      await page.goto(to('/users'));
      await expectAccessible(page, 'users');
      await page.getByRole('rowheader').getByRole('link', { name: owner.name }).click();
      for (const more of await page.locator('main details summary').all()) await more.click();
      await expectAccessible(page, 'user');
      await other.goto(link.replace('https://callsheet.example.com', console.url));
      await expect(other).toHaveURL(to('/'));
      await other.context().clearCookies();
      await other.goto(link.replace('https://callsheet.example.com', console.url));
      await expectAccessible(other, 'invite');
      await other.goto('/invite/void');
      await expectAccessible(other, 'invite-void');
      await other.close();
      expect(await console.stop()).toBe(0);
    });
  });
}
