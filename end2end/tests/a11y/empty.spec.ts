import { Callsheet } from '../../fixtures/callsheet.ts';
import { signedOut, test } from '../../fixtures/index.ts';
import { expectAccessible } from '../../fixtures/a11y.ts';

for (const locale of ['en-US', 'zh-CN']) {
  test.describe(locale, () => {
    test.use({ locale });

    test('empty pages', async ({ page, api }) => {
      await page.goto('/domains');
      if (locale === 'en-US') await expectAccessible(page, 'domains-none');
      const push = `push.empty.${locale.toLowerCase()}.example`;
      await api.createDomain(push);
      for (const [name, path] of [
        ['overview-empty', '/'],
        ['domains-no-match', '/domains?q=nothing-has-this-name'],
        ['domain-new', '/domains/new'],
        ['domain-callbacks-off', `/domains/${push}`],
        ['streams-empty', `/domains/${push}/streams`],
        ['recording', `/domains/${push}/recording`],
        ['deliveries-empty', `/domains/${push}/deliveries`],
        ['sources-empty', '/sources'],
        ['source-new', '/sources/new'],
        ['single-sign-on-none', '/settings/single-sign-on'],
        ['not-found', '/nowhere'],
      ] as const) {
        await page.goto(path);
        await expectAccessible(page, name);
      }
    });

    test.describe('signed out', () => {
      test.use({ storageState: signedOut });

      test('login and setup', async ({ page }, testInfo) => {
        await page.goto('/login');
        await expectAccessible(page, 'login');
        await page.goto('/setup?token=used');
        await expectAccessible(page, 'setup-used');
        const fresh = await Callsheet.start(testInfo.outputPath('console'));
        try {
          await page.goto(fresh.setupLink());
          await expectAccessible(page, 'setup');
        } finally {
          await fresh.stop();
        }
      });
    });
  });
}
