import { expect, test } from '../fixtures/index.ts';

test('the language chosen by a link is kept', async ({ page }) => {
  await page.goto('/domains?status=disabled');
  await page.getByRole('link', { name: '简体中文' }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN');
  await expect(page.getByRole('heading', { level: 1, name: '域名管理' })).toBeVisible();
  await expect(page).toHaveURL(/status=disabled/);

  await page.getByRole('link', { name: '概览' }).click();
  await expect(page.getByRole('heading', { level: 1, name: '概览' })).toBeVisible();
  await page.getByRole('link', { name: 'English' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
});

test('a missing page is a 404 inside the layout', async ({ page }) => {
  for (const { path, says } of [
    { path: '/nowhere', says: 'Page not found.' },
    { path: '/domains/push.nowhere.example', says: 'Domain push.nowhere.example does not exist.' },
    { path: '/deliveries/nowhere', says: 'Page not found.' },
  ]) {
    const answer = await page.goto(path);
    expect(answer?.status(), path).toBe(404);
    await expect(page.getByRole('heading', { level: 1, name: 'Not found' })).toBeVisible();
    await expect(page.getByText(says)).toBeVisible();
    await expect(page.getByRole('navigation', { name: 'Console' })).toBeVisible();
  }
});

test('the skip link jumps over the navigation', async ({ page }) => {
  await page.goto('/sources');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Refresh' })).toBeFocused();
});
