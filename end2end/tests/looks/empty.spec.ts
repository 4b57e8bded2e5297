import { Callsheet } from '../../fixtures/callsheet.ts';
import { nobody, test } from '../../fixtures/index.ts';
import { expectGoodLooks } from '../../fixtures/looks.ts';

for (const locale of ['en-US', 'zh-CN']) {
  test.describe(locale, () => {
    test.use({ locale });

    test('pages with nothing to show', async ({ page, api }) => {
      await page.goto('/domains');
      if (locale === 'en-US') await expectGoodLooks(page, 'domains-none');
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
        await expectGoodLooks(page, name);
      }
    });

    test.describe('signed out', () => {
      test.use({ storageState: nobody });

      test('login and set-up', async ({ page }, testInfo) => {
        await page.goto('/login');
        await expectGoodLooks(page, 'login');
        await page.goto('/setup?token=used');
        await expectGoodLooks(page, 'setup-used');
        const fresh = await Callsheet.start(testInfo.outputPath('console'));
        try {
          await page.goto(fresh.setupLink());
          await expectGoodLooks(page, 'setup');
        } finally {
          await fresh.stop();
        }
      });
    });
  });
}
