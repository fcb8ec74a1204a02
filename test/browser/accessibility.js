// accessibility.js: what axe has to say about a page.
import axe from 'axe-core';

const severe = new Set(['serious', 'critical']);

// The serious violations, each as a line.
export async function violationsOf(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run());
  return violations
    .filter(({ impact }) => severe.has(impact))
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);
}
