import { Callsheet } from '../fixtures/callsheet.ts';
import { expect, expectRefused, signedOut, test } from '../fixtures/index.ts';

test.use({ storageState: signedOut });

test('the setup link creates the first admin, once', async ({ page }, testInfo) => {
  const fresh = await Callsheet.start(testInfo.outputPath('console'));
  try {
    const link = fresh.setupLink();
    await page.goto(link);
    const [password, again] = [page.getByLabel('Password', { exact: true }), page.getByLabel('Confirm password')];
    const create = page.getByRole('button', { name: 'Create admin and sign in' });
    await page.getByLabel('User name').fill('ada');
    await password.fill('correct horse battery');
    await again.fill('correct horse');
    await create.click();
    await expectRefused(again, /do not match/);
    await expect(page.getByLabel('User name')).toHaveValue('ada');
    expect(await page.content()).not.toContain('correct horse');

    await password.fill('correct horse battery');
    await again.fill('correct horse battery');
    await create.click();
    await expect(page.getByRole('status')).toContainText('Welcome, ada.');
    await page.getByRole('button', { name: 'Sign out' }).click();

    await page.goto(link);
    await expect(page.getByRole('alert')).toContainText('This set-up link was used');
    await expect(create).toHaveCount(0);
  } finally {
    await fresh.stop();
  }
});

test('the setup page without a token has no form', async ({ page }) => {
  await page.goto('/setup');
  await expect(page.getByRole('alert')).toContainText('This set-up link was used or has expired.');
  await expect(page.getByRole('textbox')).toHaveCount(0);
});
