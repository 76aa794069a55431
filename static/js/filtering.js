/* Filters what is already on the page, for the board and the kanban. The form works without this file.
 *
 * filterInPlace({ items: "[data-row]", sections: "[data-group]" }) -> apply()
 *   items     elements with data-search, data-provider, data-state
 *   sections  elements hidden while nothing in them is shown
 *   apply()   call it after items were replaced
 */

export function filterInPlace({ items, sections, onApply = () => {} }) {
  const form = document.querySelector("form[data-filter]");
  if (!form) return () => {};
  const wanted = () => ({
    q: form.elements.q.value.trim().replace(/\s+/g, " ").toLowerCase(),
    provider: form.elements.provider.value,
    state: form.elements.state.value,
  });

  /* An address may name several providers or states, which the form cannot show: then the server's choice stands
   * until the reader makes one here. */
  const query = new URLSearchParams(location.search);
  let isShownByForm = ["provider", "state"].every((name) => query.getAll(name).length < 2);

  function apply() {
    if (!isShownByForm) return;
    const filter = wanted();
    let shown = 0;
    for (const item of document.querySelectorAll(items)) {
      const fits =
        (!filter.provider || item.dataset.provider === filter.provider) &&
        (!filter.state || item.dataset.state === filter.state) &&
        item.dataset.search.includes(filter.q);
      item.hidden = !fits;
      shown += fits;
    }
    for (const section of document.querySelectorAll(sections)) {
      section.hidden = !section.querySelector(`${items}:not([hidden])`);
    }
    const isFiltered = Boolean(filter.q || filter.provider || filter.state);
    for (const count of document.querySelectorAll("[data-shown]")) count.textContent = shown;
    for (const empty of document.querySelectorAll("[data-no-match]")) empty.hidden = shown > 0;
    for (const link of form.querySelectorAll("[data-clear]")) link.hidden = !isFiltered;
    onApply();
  }

  function remember() {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(wanted())) value ? query.set(name, value) : query.delete(name);
    query.delete("refresh");
    history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  }

  const change = () => {
    isShownByForm = true;
    apply();
    remember();
  };
  form.addEventListener("input", (event) => event.target.name !== "lanes" && change());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    change();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-clear]")) return;
    event.preventDefault();
    for (const name of ["q", "provider", "state"]) form.elements[name].value = "";
    form.elements.q.focus();
    change();
  });
  return apply;
}
