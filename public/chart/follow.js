// Follows changes of the filters without leaving the page: what the server answers takes the place of what is shown, and only that is drawn
// anew. Whatever is not such an answer is left to the browser, as without script.

/** The address of a link within the page's own path that would be followed here. */
function filtered(event) {
  const link = event.target.closest('a[href]');
  const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  const ours = link?.origin === location.origin && link.pathname === location.pathname;
  return plain && ours && !link.hasAttribute('download') && !link.hash ? link.href : undefined;
}

/** Makes what is shown say what is fresh, and leaves alone what is the same: whatever is put in anew has to be laid out. */
function merge(shown, fresh, touched) {
  if (shown.isEqualNode(fresh)) return;
  // A figure was drawn into.
  if (shown.nodeName !== fresh.nodeName || shown.nodeName === 'FIGURE') return shown.replaceWith(fresh);
  if (!(shown instanceof Element)) {
    shown.data = fresh.data;
    return;
  }
  if (shown.matches('.domain-picker')) return mergePicker(shown, fresh, touched);
  for (const { name } of [...shown.attributes]) if (!fresh.hasAttribute(name)) shown.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  const [had, has] = [shown, fresh].map(({ childNodes }) => [...childNodes]);
  had.forEach((node, place) => (has[place] ? merge(node, has[place], touched) : node.remove()));
  shown.append(...has.slice(had.length));
}

/** The list of domains stays where the new one has the same: an island may live in it. `touched`: the person has been at it meanwhile. */
function mergePicker(shown, fresh, touched) {
  const boxes = new Map([...shown.querySelectorAll('[type=checkbox]')].map((box) => [box.value, box]));
  const wanted = [...fresh.querySelectorAll('[type=checkbox]')];
  const [hadIsland, hasIsland] = [shown, fresh].map((picker) => picker.querySelector('leptos-island') !== null);
  if (hadIsland !== hasIsland || wanted.length !== boxes.size || !wanted.every(({ value }) => boxes.has(value))) return shown.replaceWith(fresh);
  merge(shown.querySelector('summary'), fresh.querySelector('summary'), touched);
  if (touched) return;
  for (const { value, checked } of wanted) boxes.get(value).checked = checked;
  shown.open = false;
}

/** What the server answers at an address, to be shown; nothing where it is no page like this one. */
async function load(address, signal) {
  const answer = await fetch(address, { signal });
  // Not by a parser of its own: that reads `noscript` as if there were no script.
  const next = document.createElement('div');
  next.innerHTML = await answer.text();
  return answer.ok && !answer.redirected && next.querySelector('main form.filters') ? next : undefined;
}

/** Puts a page that was loaded in the place of the one shown. */
function show(next, touched) {
  const [shown, fresh] = [document, next].map((page) => page.querySelector('main'));
  const focused = document.activeElement?.closest('main a')?.textContent;
  // What was typed but not sent.
  if (!touched) shown.querySelector('form.filters').reset();
  merge(shown, fresh, touched);
  document.title = next.querySelector('title').textContent;
  const languages = next.querySelectorAll('a[hreflang]');
  document.querySelectorAll('a[hreflang]').forEach((link, place) => link.setAttribute('href', languages[place].getAttribute('href')));
  if (focused && document.activeElement.textContent !== focused) [...shown.querySelectorAll('a')].find((link) => link.textContent === focused)?.focus({ preventScroll: true });
}

/** Begins to load a page; `stop` gives it up. */
function start(address) {
  const stop = new AbortController();
  return { address, stop, page: load(address, stop.signal) };
}

/** `drawn` is called when other content is there. */
export function follow(drawn) {
  let running;
  let touched = false;
  // What a pressed link leads to, loaded before it is let go: a finger takes longer than the server.
  let pressed;
  const go = async (address, push) => {
    running?.stop.abort();
    running = pressed?.address === address ? pressed : start(address);
    pressed = undefined;
    touched = false;
    const { page, stop } = running;
    try {
      // The address first: what is drawn may ask for it.
      if (push) history.pushState(null, '', address);
      const next = await page;
      if (stop.signal.aborted) return;
      if (!next) return location.replace(address);
      show(next, touched);
      drawn();
    } catch (error) {
      if (!stop.signal.aborted) location.replace(address);
    }
  };
  const main = document.querySelector('main');
  main.addEventListener('mousedown', (event) => {
    const address = filtered(event);
    if (!address) return;
    pressed = start(address);
    // If it fails, whoever goes there is told.
    pressed.page.catch(() => {});
  });
  // After the click, if there is one: a link that is dragged away has none.
  const released = () => {
    pressed?.stop.abort();
    pressed = undefined;
  };
  for (const end of ['mouseup', 'dragend']) addEventListener(end, () => setTimeout(released));
  main.addEventListener('click', (event) => {
    // Also by keyboard: a box that is ticked by it is clicked.
    touched ||= event.target.closest('.domain-picker') !== null;
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
