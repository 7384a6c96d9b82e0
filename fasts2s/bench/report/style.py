"""The style sheet of the page: one column on a phone, two of charts on a wide screen; light and dark."""

CSS = """
:root{--ink:#1c1f24;--soft:#5b616b;--paper:#f6f7f9;--card:#fff;--line:#dfe3e8;--link:#0b5cad;--warn:#8a3b00;--warn-bg:#fff1e0}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaee;--soft:#a4abb6;--paper:#14171c;--card:#1d2128;--line:#343a44;
--link:#7db8f5;--warn:#ffcf9e;--warn-bg:#3a2410}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
header,main{max-width:1160px;margin:0 auto;padding:0 16px}
header{padding-top:28px}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 8px}
h2{font-size:1.25rem;line-height:1.3;margin:0 0 10px}
h3{font-size:1rem;line-height:1.35;margin:0 0 8px}
header p{margin:0;color:var(--soft);font-size:.92rem}
nav{display:flex;flex-wrap:wrap;gap:2px 16px;margin-top:12px;padding:10px 0;border-top:1px solid var(--line)}
a{color:var(--link)}
header .caution{margin:12px 0 0;padding:10px 14px;border-radius:8px;background:var(--warn-bg);color:var(--warn);
font-weight:600}
section{margin:36px 0}
ul{padding-left:1.2em;margin:10px 0}
li{margin:3px 0}
.numbers{list-style:none;padding:0;margin:20px 0;display:grid;gap:12px;
grid-template-columns:repeat(auto-fill,minmax(min(100%,145px),1fr))}
.numbers li{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px;margin:0}
.numbers b{display:block;font-size:1.6rem;line-height:1.2}
.numbers span{color:var(--soft);font-size:.88rem}
figure{margin:0}
figcaption{font-size:1.1rem;font-weight:600;line-height:1.4;margin:0 0 12px}
.charts{margin:12px 0;column-gap:16px}
@media (min-width:800px){.charts{columns:2}.charts.one{columns:1;max-width:572px}}
.split{margin-top:12px}
@media (min-width:1000px){.split{display:grid;grid-template-columns:minmax(0,10fr) minmax(0,17fr);gap:16px;
align-items:start}.split .charts{max-width:none;margin:0}.split .table:first-child{margin-top:0}}
.card{break-inside:avoid;margin-bottom:16px}
.card{background:#fff;color:#1c1f24;border:1px solid var(--line);border-radius:10px;padding:14px 12px}
.card svg{display:block;width:100%;max-width:520px;height:auto;margin:0 auto}
.note{color:var(--soft);font-size:.88rem;margin:8px 0 0}
.card .note{color:#5b616b}
.table{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px;margin:14px 0 6px}
table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums;overflow-wrap:normal}
th,td{padding:4px 9px;text-align:right;white-space:nowrap}
thead th{position:sticky;top:0;background:var(--card);color:var(--soft);font-weight:600;vertical-align:bottom;
border-bottom:1px solid var(--line)}
tbody th,thead th:first-child,th.who,td.who,.plain td{text-align:left}
tbody th{font-weight:600;vertical-align:top;white-space:normal;min-width:8.5em;max-width:19em}
.table.long{max-height:46rem;overflow-y:auto}
.first th,.first td{border-top:1px solid var(--line)}
.plain td{white-space:normal}
.plain th{font-weight:500;color:var(--soft);vertical-align:top}
.who i{display:inline-block;width:.7em;height:.7em;border-radius:2px;margin-right:.5em}
small{font-size:1em;color:var(--soft)}
.below p{margin:2px 0;font-size:.9rem;color:var(--soft)}
details{margin:10px 0}
summary{cursor:pointer;color:var(--link)}
details h3{margin-top:22px}
pre{max-height:70vh;overflow:auto;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px;
font:12px/1.4 ui-monospace,SFMono-Regular,Consolas,monospace;overflow-wrap:normal}
@media (max-width:560px){body{font-size:15px}h1{font-size:1.45rem}.card{padding:12px 8px}
table{font-size:.84rem}th,td{padding:4px 6px}tbody th{min-width:7em}}
"""
