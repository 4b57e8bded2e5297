import { defineConfig } from '@playwright/test';
import tests from './playwright.config.ts';

// Browser benchmarks: one at a time, with JavaScript.
export default defineConfig({
  ...tests,
  testDir: 'bench',
  workers: 1,
  timeout: 180_000,
  reporter: 'line',
  outputDir: 'bench-results',
  projects: [{ name: 'chromium' }],
});
