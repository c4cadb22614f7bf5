/** The style sheet of every page. */
export const style = `
:root{--ink:#1c2330;--soft:#5b6576;--line:#e3e7ee;--paper:#fff;--ground:#f5f7fa;--accent:#2257c5;
--good:#13734b;--good-bg:#e3f5ec;--bad:#b3261e;--bad-bg:#fdeceb;--wait:#8a5a00;--wait-bg:#fdf3dc;--none:#5b6576;--none-bg:#eceff4}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#9aa4b5;--line:#2c3442;--paper:#1a202b;--ground:#12161e;--accent:#8ab0ff;
--good:#6fd6a5;--good-bg:#12352a;--bad:#ff9d96;--bad-bg:#43201f;--wait:#f0c069;--wait-bg:#3b2f14;--none:#9aa4b5;--none-bg:#262d39}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
header,main,footer{max-width:76rem;margin:0 auto;padding:0 1.5rem}
header{display:flex;align-items:baseline;gap:1rem;flex-wrap:wrap;padding-top:1.75rem;padding-bottom:.5rem}
h1{font-size:1.35rem;margin:0;letter-spacing:-.01em}
h2{font-size:1rem;margin:0;padding:.9rem 1.1rem .75rem}
h3{font-size:.95rem;margin:0}
nav{margin-left:auto;display:flex;gap:1rem}
a{color:var(--accent);text-decoration:none}a:hover,a:focus{text-decoration:underline}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.9rem;margin:1rem 0}
.tile,section{background:var(--paper);border:1px solid var(--line);border-radius:.6rem}
.tile{padding:.8rem 1.1rem}.tile b{display:block;font-size:1.55rem;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums}
.tile b.bad,.tile b.wait{background:none}.tile span{color:var(--soft);font-size:.85rem}
section{margin:0 0 1rem;overflow:hidden}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse}.scroll td.break{min-width:15rem}
th{font-size:.75rem;font-weight:600;color:var(--soft);text-align:left;text-transform:uppercase;letter-spacing:.04em}
th,td{padding:.55rem 1.1rem;border-top:1px solid var(--line);vertical-align:top}
td.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}th.num{text-align:right}
td.tight{white-space:nowrap}
.soft{color:var(--soft);font-size:.87rem}.block{display:block}
code{font:.85em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
.chip{display:inline-block;padding:.05rem .55rem;border-radius:1rem;font-size:.8rem;font-weight:600;white-space:nowrap;margin:0 .25rem .15rem 0}
.good{color:var(--good);background:var(--good-bg)}.bad{color:var(--bad);background:var(--bad-bg)}
.wait{color:var(--wait);background:var(--wait-bg)}.none{color:var(--none);background:var(--none-bg)}
.break{overflow-wrap:anywhere}
p.empty{margin:0;padding:.9rem 1.1rem 1.1rem;border-top:1px solid var(--line);color:var(--soft)}
p.alert{margin:.5rem 0;padding:.7rem 1.1rem;border-radius:.6rem}
footer{color:var(--soft);font-size:.85rem;padding-top:.25rem;padding-bottom:2rem}
.operation{border-top:1px solid var(--line);padding:.9rem 1.1rem}
.operation p{margin:.3rem 0}.operation table{margin:.4rem 0}.operation th,.operation td{padding:.3rem .8rem .3rem 0}
.method{display:inline-block;min-width:3.6rem;font-weight:700;color:var(--accent)}
`
