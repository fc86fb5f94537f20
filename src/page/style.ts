/** Style sheet of the page. Colours follow the system's light or dark mode; text has a contrast of at least 4.5 to 1. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --text: light-dark(#1c2024, #e8eaed);
  --muted: light-dark(#596068, #a3abb3);
  --page: light-dark(#f6f7f9, #15181b);
  --card: light-dark(#ffffff, #1f2327);
  --line: light-dark(#cfd4da, #3c434a);
  --link: light-dark(#0b57b8, #8ab8ff);
  --good: light-dark(#16692b, #7ad08f);
  --bad: light-dark(#b3161b, #ff9a94);
  --busy: light-dark(#7a5200, #f0bf5a);
  --shared: light-dark(#c46a00, #f0a03c);
  --single: light-dark(#3a74c4, #6a9fe8);
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 76rem; padding: 0 1rem 3rem;
  font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--page);
  overflow-wrap: anywhere;
}
header { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; padding: 1rem 0; }
header h1 { font-size: 1.1rem; margin: 0 auto 0 0; }
a { color: var(--link); }
h2 { font-size: 1.4rem; margin: 1rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 0 0 .5rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
main:focus { outline: none; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; }
input, button { font: inherit; color: inherit; min-height: 2.5rem; padding: .3rem .7rem; border-radius: .4rem; }
input { background: var(--card); border: 1px solid var(--muted); min-width: 0; width: 22rem; max-width: 100%; }
button { background: var(--card); border: 1px solid var(--muted); cursor: pointer; }
button.copy { min-height: 1.7rem; padding: 0 .5rem; font-size: .8rem; margin-left: .4rem; }
code, pre { font: .9em/1.4 ui-monospace, monospace; }
.copyable { display: inline-flex; flex-wrap: wrap; align-items: center; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem .8rem; margin: .5rem 0; }
dt { color: var(--muted); }
.annotations dl { grid-template-columns: minmax(0, 1fr) minmax(0, 2fr); }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
ul { padding-left: 1.2rem; }
ul.cards {
  list-style: none; padding: 0; margin: .5rem 0; display: grid; gap: .8rem;
  grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr)); align-items: start;
}
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .8rem; min-width: 0; }
.card .card { background: var(--page); }
.card:has(.cards) { grid-column: 1 / -1; }
.bar { display: flex; height: 1.1rem; gap: 1px; background: var(--page); border-radius: .2rem; overflow: hidden; }
.bar span { min-width: 1px; flex: none; }
.shared { background: var(--shared); }
.single { background: var(--single); }
.swatch { display: inline-block; width: .9rem; height: .9rem; border-radius: .2rem; vertical-align: -.1rem; }
.legend { color: var(--muted); font-size: .9rem; }
.swatch:not(:first-child) { margin-left: 1rem; }
summary { cursor: pointer; padding: .25rem 0; color: var(--link); }
.scroll { overflow-x: auto; }
table { overflow-wrap: normal; border-collapse: collapse; font-size: .9rem; width: 100%; }
caption { text-align: left; color: var(--muted); }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-top: 1px solid var(--line); vertical-align: top; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.busy { color: var(--busy); }
.note, .muted { color: var(--muted); }
dialog { color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; max-width: 26rem; }
dialog form { display: block; }
dialog label { display: block; margin-top: .5rem; }
dialog input { width: 100%; }
dialog::backdrop { background: #000a; }
#status { position: fixed; bottom: .5rem; left: 1rem; margin: 0; padding: 0 .5rem; background: var(--card); }
ul.cells, ul.pairs { list-style: none; padding: 0; display: grid; gap: .8rem; }
ul.cells { grid-template-columns: repeat(auto-fill, minmax(min(14rem, 100%), 1fr)); }
.cell { background: var(--card); border: 1px solid var(--line); border-top: .35rem solid var(--muted);
  border-radius: .5rem; padding: .6rem .8rem; min-width: 0; }
.cell p { margin: .2rem 0; }
.cell .progress::before { content: "○ "; }
.cell.reported { border-top-color: var(--busy); }
.cell.reported .progress { color: var(--busy); }
.cell.reported .progress::before { content: "◐ "; }
.cell.published { border-top-color: var(--good); }
.cell.published .progress { color: var(--good); }
.cell.published .progress::before { content: "● "; }
.cell.missing { border-top-style: dashed; }
.state { font-size: 1.2rem; }
.sides { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1rem; }
.kind { font-size: .8rem; font-weight: normal; border: 1px solid; border-radius: 1rem; padding: 0 .5rem; }
.added .kind { color: var(--good); }
.removed .kind { color: var(--bad); }
.changed .kind { color: var(--busy); }
.links li { padding: .2rem 0; }
.home form { display: grid; justify-items: start; max-width: 26rem; }
@media (max-width: 40rem) {
  body { padding: 0 .6rem 2rem; }
  .sides { grid-template-columns: minmax(0, 1fr); }
}
@media (forced-colors: active) { .bar span, .swatch { forced-color-adjust: none; } }
`;
