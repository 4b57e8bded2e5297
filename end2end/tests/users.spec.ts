import { action, expect, expectRefused, signedOut, signIn, test } from '../fixtures/index.ts';
import { totp } from '../fixtures/totp.ts';

test('an invited user follows the link and chooses a password', async ({ page, browser, callsheet }) => {
  await page.goto('/users');
  await action(page, 'Invite user').click();
  await page.getByLabel('User name').fill('ada');
  await action(page, 'Invite').click();
  await expectRefused(page.getByLabel('User name'), /already/);
  await page.getByLabel('User name').fill('grace');
  await page.getByLabel('Role').selectOption('Operator');
  await action(page, 'Invite').click();
  await expect(page.getByRole('heading', { level: 1, name: 'grace' })).toBeVisible();
  const link = await page.getByRole('status').getByText(/\/invite\//).innerText();
  await page.reload();
  await expect(page.getByText(/\/invite\//)).toHaveCount(0);

  const guest = await browser.newPage({ baseURL: callsheet.url, storageState: signedOut });
  await guest.goto(link);
  await expect(guest.getByText('Your user name is grace, your role is Operator.')).toBeVisible();
  const [password, again] = [guest.getByLabel('Password', { exact: true }), guest.getByLabel('Confirm password')];
  await password.fill('password123');
  await again.fill('password123');
  await action(guest, 'Save password and sign in').click();
  await expectRefused(guest.getByLabel('Password', { exact: true }), /too common/);
  await guest.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await guest.getByLabel('Confirm password').fill('correct horse battery');
  await action(guest, 'Save password and sign in').click();
  await expect(guest.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  await expect(guest.getByRole('link', { name: 'Users' })).toHaveCount(0);
  await guest.goto(link);
  await expect(guest).toHaveURL(`${callsheet.url}/`);

  await page.reload();
  const session = page.getByRole('row').filter({ hasText: 'Chrome on Linux' });
  await expect(session).toContainText('127.0.0.1');
  await action(session, 'End').click();
  await expect(page.getByRole('status')).toHaveText('Session ended.');
  await guest.goto('/domains');
  await expect(guest).toHaveURL(/\/login/);
  await guest.close();
});

test('the permissions are listed, and the last admin cannot be removed', async ({ page }) => {
  await page.goto('/users');
  const table = page.locator('#permissions');
  await expect(table.getByRole('row').filter({ hasText: 'Manage users' })).toHaveText(/Yes.*No.*No/);
  await page.getByRole('rowheader').getByRole('link', { name: 'ada' }).click();
  await page.getByLabel('Role').selectOption('Reviewer');
  await action(page, 'Change role').click();
  await expect(page.getByRole('alert')).toContainText('last active admin');
  await page.getByText('Deactivate', { exact: true }).click();
  await action(page, 'Deactivate user').click();
  await expect(page.getByRole('alert')).toContainText('last active admin');
});

test('two-factor sign-in is set up in the profile and asked for at login', async ({ browser, callsheet }, info) => {
  const account = callsheet.createUser('reviewer', `tina-${info.project.name}-${info.retry}`);
  const page = await browser.newPage({ baseURL: callsheet.url, storageState: signedOut });
  await signIn(page, account);
  await page.getByRole('link', { name: account.name }).first().click();
  await expect(page.getByRole('heading', { level: 1, name: 'Profile' })).toBeVisible();
  await action(page, 'Set up').click();
  await expect(page.getByRole('img', { name: /QR code/ })).toBeVisible();
  const secret = await page.getByText(/^[A-Z2-7]{32}$/).innerText();
  await page.getByLabel('Code shown in the app').fill('000000');
  await action(page, 'Turn on').click();
  await expectRefused(page.getByLabel('Code shown in the app'), /Wrong or already used/);
  await page.getByLabel('Code shown in the app').fill(totp(secret));
  await action(page, 'Turn on').click();
  const codes = (await page.getByRole('status').locator('pre').innerText()).split('\n');
  expect(codes).toHaveLength(10);
  await action(page, 'Sign out').click();

  await signIn(page, account);
  await expect(page.getByRole('heading', { level: 1, name: 'Two-factor sign-in' })).toBeVisible();
  await expect(page.getByLabel('Code')).toBeFocused();
  await page.getByLabel('Code').fill(totp(secret, 1));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  await action(page, 'Sign out').click();

  await signIn(page, account);
  await page.getByLabel('Code').fill(codes[4] ?? '');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.goto('/profile');
  await expect(page.getByText('9 recovery codes left.')).toBeVisible();
  await page.getByText('Turn off', { exact: true }).click();
  await page.locator('#present-for-off').fill(account.password);
  await action(page, 'Turn off two-factor sign-in').click();
  await expect(page.getByRole('status')).toHaveText('Two-factor sign-in is off.');
  await page.close();
});
