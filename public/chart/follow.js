// Follows changes of the filters without leaving the page: what the server answers takes the place of what is shown, and only that is drawn
// anew. Whatever is not such an answer is left to the browser, as without script.

/** The address of a link within the page's own path that would be followed here. */
function filtered(event) {
  const link = event.target.closest('a[href]');
  const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  const ours = link?.origin === location.origin && link.pathname === location.pathname;
  return plain && ours && !link.hasAttribute('download') && !link.hash ? link.href : undefined;
}

/** The list of domains stays as the person left it, where the new one has the same; an island lives in it. */
function keepPicker(shown, next) {
  const [old, fresh] = [shown, next].map((main) => main.querySelector('.picker'));
  if (!old || !fresh || !old.querySelector('leptos-island')) return;
  const boxes = new Map([...old.querySelectorAll('[type=checkbox]')].map((box) => [box.value, box]));
  const wanted = [...fresh.querySelectorAll('[type=checkbox]')];
  if (!fresh.querySelector('leptos-island') || wanted.length !== boxes.size || !wanted.every(({ value }) => boxes.has(value))) return;
  for (const { value, checked } of wanted) boxes.get(value).checked = checked;
  old.querySelector('summary').textContent = fresh.querySelector('summary').textContent;
  old.open = false;
  fresh.replaceWith(old);
}

/** Shows what the server answers at an address; false: it is no page like this one. */
async function show(address, signal, drawn) {
  const answer = await fetch(address, { signal });
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const [shown, fresh] = [document, next].map((page) => page.querySelector('main'));
  if (!answer.ok || answer.redirected || !fresh?.querySelector('form.filters')) return false;
  const focused = document.activeElement?.closest('main a')?.textContent;
  keepPicker(shown, fresh);
  shown.replaceChildren(...fresh.childNodes);
  document.title = next.title;
  const languages = next.querySelectorAll('a[hreflang]');
  document.querySelectorAll('a[hreflang]').forEach((link, place) => link.setAttribute('href', languages[place].getAttribute('href')));
  if (focused) [...shown.querySelectorAll('a')].find((link) => link.textContent === focused)?.focus({ preventScroll: true });
  drawn();
  return true;
}

/** `drawn` is called when other content is there. */
export function follow(drawn) {
  let running = new AbortController();
  const go = async (address, push) => {
    running.abort();
    running = new AbortController();
    const { signal } = running;
    try {
      // The address first: what is drawn may ask for it.
      if (push) history.pushState(null, '', address);
      if (!(await show(address, signal, drawn))) location.replace(address);
    } catch (error) {
      if (!signal.aborted) location.replace(address);
    }
  };
  const main = document.querySelector('main');
  main.addEventListener('click', (event) => {
    const address = filtered(event);
    if (!address || event.defaultPrevented) return;
    event.preventDefault();
    go(address, true);
  });
  main.addEventListener('submit', (event) => {
    if (!event.target.matches('form.filters')) return;
    event.preventDefault();
    const address = new URL(event.target.action);
    address.search = new URLSearchParams(new FormData(event.target, event.submitter));
    go(address.href, true);
  });
  addEventListener('popstate', () => go(location.href, false));
}
