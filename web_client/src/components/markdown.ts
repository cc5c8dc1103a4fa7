/** Answers as their editors wrote them: Markdown without HTML (CommonMark), and then only elements that carry words. */
import DOMPurify from 'dompurify';
import MarkdownIt from 'markdown-it';

const markdown = new MarkdownIt('default', { html: false, linkify: false, breaks: true });

const TAGS = ['p', 'br', 'strong', 'em', 'del', 'ul', 'ol', 'li', 'a', 'code', 'pre', 'blockquote', 'h3', 'h4', 'h5', 'hr', 'table', 'thead', 'tbody', 'tr', 'th', 'td'];

// A page has its own first and second headings.
markdown.core.ruler.push('lower_headings', ({ tokens }) => {
  for (const token of tokens) {
    if (token.type === 'heading_open' || token.type === 'heading_close') token.tag = `h${Math.min(5, Number(token.tag.slice(1)) + 2)}`;
  }
});

/** The HTML of the words alone; what a browser would run or fetch from elsewhere is gone. */
export const toHtml = (text: string): string => markdown.render(text);

export function toFragment(text: string): DocumentFragment {
  const fragment = DOMPurify.sanitize(toHtml(text), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ['href', 'title', 'start'],
    ALLOWED_URI_REGEXP: /^https?:/i,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const link of fragment.querySelectorAll('a')) {
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
  }
  return fragment;
}
