import { defineConfig } from '@playwright/test';
import tests from './playwright.config.ts';

// What takes how long in a browser: one after another, on a console of their own, with script.
export default defineConfig({
  ...tests,
  testDir: 'bench',
  workers: 1,
  timeout: 180_000,
  reporter: 'line',
  outputDir: 'bench-results',
  projects: [{ name: 'chromium' }],
});
