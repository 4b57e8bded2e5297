import { defineConfig } from '@playwright/test';

// Two projects run the same stories: with JavaScript, and without. The third looks at each page once, empty and filled.
// Each worker has a console of its own (fixtures/callsheet.ts): no fixed ports, no state shared between them.
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
    { name: 'looks', testDir: 'tests/looks', timeout: 180_000 },
    { name: 'nojs', testIgnore: '**/looks/**', grepInvert: /with script/, use: { javaScriptEnabled: false } },
    { name: 'chromium', testIgnore: '**/looks/**' },
  ],
});
