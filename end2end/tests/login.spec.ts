import { expect, nobody, signIn, test } from '../fixtures/index.ts';

test.use({ storageState: nobody });

test('who is signed out is asked to sign in, then gets the page they wanted', async ({ page, callsheet }) => {
  const account = callsheet.createUser('reviewer', 'rita');
  await page.goto('/domains?status=enabled');
  await expect(page).toHaveURL(/\/login/);
  await expect(page).toHaveTitle('Sign in · Callsheet');

  await signIn(page, account);
  await expect(page).toHaveURL(/\/domains\?status=enabled$/);
  await expect(page.getByRole('heading', { level: 1, name: 'Domain Management' })).toBeVisible();
});

test('a wrong password is refused without telling which part was wrong', async ({ page, callsheet }) => {
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

test('after signing out the pages are closed', async ({ page, callsheet }) => {
  await page.goto('/login');
  await signIn(page, callsheet.createUser('reviewer', 'ruth'));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login/);
  await page.goto('/domains');
  await expect(page).toHaveURL(/\/login/);
});

test('the form works with the keyboard alone', async ({ page, callsheet }) => {
  const { name, password } = callsheet.createUser('reviewer', 'kim');
  await page.goto('/login');
  await expect(page.getByLabel('User name')).toBeFocused();
  await page.keyboard.type(name);
  await page.keyboard.press('Tab');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await expect(page).not.toHaveURL(/\/login/);
});
