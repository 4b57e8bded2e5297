import { defineConfig } from '@playwright/test';

// Two projects run the same stories: with JavaScript, and without. Each worker has a console of its own
// (fixtures/callsheet.ts): no fixed ports, no state shared between them.
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
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
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
    { name: 'nojs', use: { javaScriptEnabled: false } },
    { name: 'chromium', use: { javaScriptEnabled: true } },
  ],
});
