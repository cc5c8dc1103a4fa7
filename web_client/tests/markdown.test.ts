import { expect, it } from 'vitest';
import { toHtml } from '@/components/markdown';

it('is Markdown, and HTML in it is words', () => {
  expect(toHtml('**重点**\n\n1. 一\n2. 二')).toBe('<p><strong>重点</strong></p>\n<ol>\n<li>一</li>\n<li>二</li>\n</ol>\n');
  expect(toHtml('<img src=x onerror=alert(1)>')).toBe('<p>&lt;img src=x onerror=alert(1)&gt;</p>\n');
});

it('keeps the first headings for the page', () => {
  expect(toHtml('# 一')).toBe('<h3>一</h3>\n');
  expect(toHtml('##### 五')).toBe('<h5>五</h5>\n');
});

it('leaves no address a browser would run', () => {
  expect(toHtml('[点我](javascript:alert(1))')).not.toContain('href');
  expect(toHtml('[点我](https://www.chinatax.gov.cn/)')).toContain('href="https://www.chinatax.gov.cn/"');
});
