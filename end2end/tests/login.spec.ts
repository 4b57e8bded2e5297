import { expect, signedOut, signIn, test } from '../fixtures/index.ts';

test.use({ storageState: signedOut });

test('a signed-out user is asked to sign in, then sees the requested page', async ({ page, callsheet }) => {
  const account = callsheet.createUser('reviewer', 'rita');
  await page.goto('/domains?status=enabled');
  await expect(page).toHaveURL(/\/login/);
  await expect(page).toHaveTitle('Sign in · Callsheet');

  await signIn(page, account);
  await expect(page).toHaveURL(/\/domains\?status=enabled$/);
  await expect(page.getByRole('heading', { level: 1, name: 'Domain Management' })).toBeVisible();
});

test('a wrong password is refused without saying whether the name exists', async ({ page, callsheet }) => {
  const { name } = callsheet.createUser('operator', 'otto');
  for (const tried of [name, 'nobody']) {
    await page.goto('/login');
    await page.getByLabel('User name').fill(tried);
    await page.getByLabel('Password').fill('not the password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toHaveText('Wrong user name or password.');
    await expect(page).toHaveURL(/\/login$/);
    await expect(page.getByLabel('User name')).toHaveValue(tried);
  }
});

test('after signing out, pages require a new login', async ({ page, callsheet }) => {
  await page.goto('/login');
  await signIn(page, callsheet.createUser('reviewer', 'ruth'));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login/);
  await page.goto('/domains');
  await expect(page).toHaveURL(/\/login/);
});

test('the login form works with the keyboard only', async ({ page, callsheet }) => {
  const { name, password } = callsheet.createUser('reviewer', 'kim');
  await page.goto('/login');
  await expect(page.getByLabel('User name')).toBeFocused();
  await page.keyboard.type(name);
  await page.keyboard.press('Tab');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await expect(page).not.toHaveURL(/\/login/);
});
