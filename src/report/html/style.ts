/** The page's style sheet. Light and dark, narrow and printed. */
export const STYLE = `
:root{color-scheme:light dark;--back:#f7f7f8;--card:#fff;--ink:#1c1d21;--soft:#5d6069;--line:#dcdde2;--value:#3566b8;--bad:#b3261e;--good:#1b6e3c;--flip:#8a5a00;--warn:#fff4dc}
@media screen and (prefers-color-scheme:dark){:root{--back:#16171a;--card:#1f2125;--ink:#e8e9ed;--soft:#a2a6b0;--line:#373a42;--value:#8fb4f2;--bad:#ff8a80;--good:#7fd6a0;--flip:#f0c060;--warn:#3a3220}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1040px;margin:0 auto;padding:1.2rem}
h1{font-size:1.35rem;margin:.2rem 0}
h2{font-size:1.1rem;margin:0 0 .3rem;overflow-wrap:anywhere}
h3{font-size:1rem;margin:.8rem 0 .2rem}
a{color:inherit}
code,pre{font:12.5px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
pre{overflow-x:auto;background:var(--back);padding:.7rem;border-radius:6px}
.comparison{background:var(--card);border:1px solid var(--line);border-left:5px solid var(--good);border-radius:8px;padding:1rem;margin:1rem 0}
.many .comparison{content-visibility:auto;contain-intrinsic-size:auto 720px}
.figure{overflow-x:auto}
.fails{border-left-color:var(--bad)}
.badge{font-size:.85rem;font-weight:600;color:var(--good);border:1px solid;border-radius:99px;padding:.1rem .6rem;white-space:nowrap;vertical-align:.1em}
.fails .badge,.verdict{color:var(--bad)}
.where,.counts,.legend{color:var(--soft);margin:.2rem 0;overflow-wrap:anywhere}
.headline{font-size:1.05rem;border-left:3px solid var(--bad);padding:.3rem .7rem;margin:.6rem 0;overflow-wrap:anywhere}
.verdict{font-weight:600}
.notes{list-style:none;padding:0;margin:.5rem 0}
.notes .warning{background:var(--warn);border-radius:6px;padding:.3rem .6rem;margin:.3rem 0;overflow-wrap:anywhere}
.notes .info{color:var(--soft);overflow-wrap:anywhere}
.chart{width:100%;height:auto;display:block;margin:.4rem 0}
.chart text{font:12px system-ui,sans-serif;fill:var(--soft);dominant-baseline:middle}
.chart .panel{fill:var(--ink);font-weight:600}
.chart .end{text-anchor:end}.chart .mid{text-anchor:middle}
.grid{stroke:var(--line)}
.limit{stroke:var(--bad);stroke-dasharray:5 4}
.chart .limit-text{fill:var(--bad)}
.values{fill:none;stroke:var(--value);stroke-width:1.4}
.range{stroke:var(--value);stroke-width:2.5;fill:none;opacity:.75}.range.bad{stroke:var(--bad)}
.mark{fill:var(--value)}.mark.bad,.absent.bad{fill:var(--bad)}
.flip{fill:none;stroke:var(--flip);stroke-width:2}.flip.tie{stroke-dasharray:3 2.4}
.floor{stroke:var(--flip);stroke-width:2}
.absent{fill:var(--soft)}
.natural{fill:none;stroke:var(--flip);stroke-width:1.6}
.alone{fill:none;stroke:var(--soft);stroke-width:1.5}.alone.bad{stroke:var(--bad)}.infinite{fill:var(--bad)}
.here{stroke:var(--bad);stroke-width:1.2}.chart .here-text{fill:var(--bad);font-weight:700;font-size:15px}
.cursor{stroke:var(--ink);opacity:.5}
.legend .key{margin-left:.7rem}.key.bad,.key.limit{color:var(--bad)}.key.flip,.key.tie{color:var(--flip)}.key.value{color:var(--value)}
details{margin:.5rem 0}
summary{cursor:pointer;font-weight:600}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13.5px}
caption{text-align:left;color:var(--soft);padding:.2rem 0}
th,td{text-align:right;padding:.18rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
tbody th{font-weight:600}
.tokens{width:100%}
.tokens td:nth-child(2),.tokens th:nth-child(2),.text,.tokens th:last-child,.detail th,.statistics th{text-align:left}
.text{min-width:12rem;overflow-wrap:anywhere}
.tokens:not(.layers) td:nth-child(3){white-space:nowrap}
.tokens thead{position:sticky;top:0;background:var(--card)}
.tokens button{font:inherit;font-weight:600;color:inherit;background:none;border:0;padding:0;cursor:pointer}
th[aria-sort=ascending] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
.bad>th,.bad>td:nth-child(2){color:var(--bad);font-weight:600}
.layers .bad>td:nth-child(3){color:var(--bad);font-weight:600}.layers td:nth-child(2){min-width:13rem;overflow-wrap:anywhere}.layers td:nth-child(3),.layers th:nth-child(3){text-align:left}.layers .text{min-width:7rem}.layers th,.layers td{padding:.18rem .4rem}
.flipped>td:nth-child(5),.flipped>td:nth-child(6){color:var(--flip);font-weight:600}
tr:target,tr.at{outline:2px solid var(--value);outline-offset:-2px}
.scroll{max-height:26rem;overflow:auto;border:1px solid var(--line);border-radius:6px}
.filters{margin:.4rem 0;display:flex;gap:1rem;flex-wrap:wrap;align-items:center}
.filters[hidden]{display:none}
dt{font-weight:600}dd{margin:0 0 .4rem 0}
.summary{width:100%;margin:.6rem 0}
.summary tr>:is(:first-child,:nth-child(3),:last-child){text-align:left;overflow-wrap:anywhere}
.summary tr>:first-child{width:42%}.summary tr>:nth-child(3){width:26%}.summary tr>:last-child{width:22%}
:focus-visible{outline:2px solid var(--value);outline-offset:2px}
@media(max-width:640px){main{padding:.5rem}.comparison{padding:.6rem}.chart{min-width:560px}.summary tr>:nth-child(n+4){display:none}.summary tr>:first-child{width:50%}.summary tr>:nth-child(3){width:46%}.summary th:nth-child(2){font-size:0}th,td{padding:.18rem .35rem}}
@media print{body{background:#fff}.many .comparison{content-visibility:visible}.comparison{break-inside:avoid-page;border-color:#999}.filters,.cursor{display:none}.figure{overflow:visible}.scroll{max-height:none;overflow:visible;border:0}details:not([open])>:not(summary){display:none}.tokens thead{position:static}.long tbody tr:not(.bad,.flipped){display:none}.long caption::after{content:". Printed are only those that fail or whose top-1 differs."}table{font-size:11px}th,td{padding:.15rem .3rem}.text{min-width:8rem}.layers{font-size:10px}.layers td:nth-child(2){min-width:7rem}.layers .text{min-width:5rem}.layers th,.layers td{padding:.12rem .22rem}}
`
