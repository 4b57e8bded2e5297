import { defineConfig } from '@playwright/test';

// `chromium` and `nojs` run the same tests, with and without JavaScript. `a11y` checks every page, empty and filled.
// Each worker starts its own console (fixtures/callsheet.ts), so that workers share neither ports nor data.
export default defineConfig({
  testDir: 'tests',
  timeout: 60_000,
  expect: { timeout: 10_000 },
  workers: 2,
  reporter: [['list'], ['junit', { outputFile: 'test-results/junit.xml' }]],
  use: {
    locale: 'en-US',
    viewport: { width: 1440, height: 900 },
    actionTimeout: 10_000,
    navigationTimeout: 20_000,
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
  projects: [
    { name: 'a11y', testDir: 'tests/a11y', timeout: 180_000 },
    { name: 'nojs', testIgnore: '**/a11y/**', grepInvert: /with JavaScript/, use: { javaScriptEnabled: false } },
    { name: 'chromium', testIgnore: '**/a11y/**' },
  ],
});
