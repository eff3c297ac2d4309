/* SPDX-License-Identifier: Apache-2.0
 *
 * The look of the HTML report. No font, image or address from outside; colours are custom
 * properties with a light and a dark set, each pair of text and ground at WCAG AA contrast or
 * better; severities differ by shape and word too. The script only improves: without it the page
 * reads whole and switches language.
 */
#include "reports/writers/html_kit.h"

/* In pieces: C compilers need only take strings of 4095 bytes. */
static const char *const style[] = {
    ":root{color-scheme:light "
    "dark;--bg:#f4f5f8;--card:#fff;--ink:#1b2330;--soft:#566072;--line:#dfe3ea;"
    "--tint:#f0f2f6;--link:#1d4f91;--good:#0f6b3c;--bad:#a3142b;--odd:#5b2d91;--warn:#8a5300;"
    "--c4:#8c1a5b;--c3:#b3261e;--c2:#995500;--c1:#1f6392;--c0:#5a6472;--rest:#8a68bd}"
    "@media(prefers-color-scheme:dark){:root{--bg:#12161d;--card:#1a2029;--ink:#e7ebf2;--soft:#"
    "a3adbd;"
    "--line:#303948;--tint:#222a35;--link:#8fbcf5;--good:#5fd39a;--bad:#ff8f9c;--odd:#cda8ff;--"
    "warn:#f2bd62;"
    "--c4:#f08cc4;--c3:#ff8d82;--c2:#f0b354;--c1:#7fc1ee;--c0:#aeb7c4;--rest:#9a7bd0}}"
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}"
    "body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.6 "
    "system-ui,-apple-system,'Segoe UI',"
    "Roboto,'Noto Sans','PingFang SC','Microsoft YaHei','Noto Sans CJK SC','Source Han Sans "
    "SC',sans-serif}"
    "code,pre,.m{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Noto "
    "Sans Mono CJK SC',"
    "monospace;font-size:.88em;overflow-wrap:anywhere}"
    ".lang{position:absolute;opacity:0;pointer-events:none}"
    "#len:checked~* .zh,#lzh:checked~* .en{display:none}"
    ".wrap{max-width:1080px;margin:0 auto;padding:0 20px 48px}"
    "nav{display:flex;justify-content:space-between;align-items:center;gap:16px;padding:14px 0}"
    ".mark{font-weight:700;letter-spacing:.16em;font-size:.82em;color:var(--soft)}"
    ".pick{flex:none;display:flex;border:1px solid "
    "var(--line);border-radius:8px;overflow:hidden;background:var(--card)}"
    ".pick label{white-space:nowrap;padding:4px "
    "14px;cursor:pointer;font-size:.87em;color:var(--soft)}"
    "#len:checked~* label[for=len],#lzh:checked~* "
    "label[for=lzh]{background:var(--ink);color:var(--card)}"
    "#len:focus-visible~* label[for=len],#lzh:focus-visible~* label[for=lzh]{outline:3px solid "
    "var(--link);outline-offset:-3px}"
    "section,.banner{background:var(--card);border:1px solid "
    "var(--line);border-radius:14px;padding:22px 26px;margin:0 0 18px}"
    "h1,h2,h3,p{margin:0}h2{font-size:1.12em;margin-bottom:14px}h3{font-size:1em;margin:18px 0 8px}"
    "a{color:var(--link)}.soft{color:var(--soft)}.small{font-size:.88em}"
    ".banner{padding:0;overflow:hidden}",
    ".top{display:flex;gap:22px;align-items:center;padding:26px;color:#fff}"
    ".v0 .top{background:#0f6b3c}.v1 .top{background:#8a5300}.v2 .top{background:#a3142b}.v3 "
    ".top{background:#5b2d91}"
    ".seal{flex:none;width:76px;height:76px}"
    ".word{font-size:2.15em;font-weight:750;line-height:1.15;letter-spacing:.02em}"
    ".top>div{min-width:0}.what{opacity:1;font-size:1.02em}"
    ".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));border-bottom:"
    "1px solid var(--line)}"
    ".facts div{padding:15px 26px;border-right:1px solid var(--line)}.facts "
    "div:last-child{border-right:0}"
    ".facts b{display:block;font-size:1.5em;line-height:1.25;font-variant-numeric:tabular-nums}"
    ".id{padding:14px 26px;display:grid;grid-template-columns:auto 1fr;gap:4px 18px;font-size:.9em}"
    ".id dt{color:var(--soft)}.id dd{margin:0;min-width:0;overflow-wrap:anywhere}"
    ".sum{font-size:1.09em;max-width:74ch}"
    ".scroll{overflow-x:auto}"
    "table{border-collapse:collapse;width:100%;font-size:.93em}"
    "th{font-weight:600;color:var(--soft);font-size:.88em;text-align:left;border-bottom:2px solid "
    "var(--line);padding:6px 14px 6px 0;white-space:nowrap}"
    "td{border-bottom:1px solid var(--line);padding:8px 14px 8px 0;vertical-align:top}"
    "tr:last-child>td{border-bottom:0}th:last-child,td:last-child{padding-right:0}"
    ".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".sev{display:inline-flex;align-items:center;gap:7px;font-weight:600;white-space:nowrap}"
    ".g{width:14px;height:14px;flex:none;fill:currentColor}"
    ".c4{color:var(--c4)}.c3{color:var(--c3)}.c2{color:var(--c2)}.c1{color:var(--c1)}.c0{color:var("
    "--c0)}"
    ".f4{fill:var(--c4)}.f3{fill:var(--c3)}.f2{fill:var(--c2)}.f1{fill:var(--c1)}.f0{fill:var(--c0)"
    "}"
    ".fg{fill:var(--good)}.fb{fill:var(--bad)}.fr{fill:var(--rest)}.ft{fill:var(--tint)}.fi{fill:"
    "var(--ink)}.fw{fill:var(--warn)}"
    ".ok{color:var(--good)}.no{color:var(--bad)}.maybe{color:var(--warn)}.st{font-weight:600;white-"
    "space:nowrap}"
    ".bar{display:block;width:100%;height:14px;border-radius:4px;min-width:120px}.bars "
    "td{vertical-align:middle}"
    ".cov{display:grid;grid-template-columns:minmax(70px,auto) 1fr auto;gap:10px "
    "16px;align-items:center;margin-bottom:6px}",
    ".cov "
    ".bar{height:20px}.key{display:flex;gap:20px;flex-wrap:wrap;font-size:.88em;color:var(--soft);"
    "margin:10px 0 0}"
    ".key span.k{display:inline-flex;gap:7px;align-items:center}"
    "details{border:1px solid var(--line);border-radius:10px;margin:10px 0;padding:0 18px}"
    "summary{cursor:pointer;padding:12px 0;display:flex;gap:6px "
    "14px;align-items:baseline;flex-wrap:wrap}"
    "summary::-webkit-details-marker{display:none}summary::before{content:'\\25B8';color:var(--"
    "soft)}"
    "details[open]>summary::before{content:'\\25BE'}summary .n{margin-left:auto;color:var(--soft)}"
    "details>div{padding:0 0 14px}.chip{display:inline-block;border:1px solid "
    "var(--line);border-radius:999px;padding:1px 10px;margin:2px 6px 2px "
    "0;font-size:.85em;color:var(--soft)}"
    "pre{background:var(--tint);border-radius:10px;padding:14px 16px;overflow-x:auto;margin:12px "
    "0;white-space:pre-wrap}"
    ".find{font:inherit;color:inherit;background:var(--card);border:1px solid "
    "var(--soft);border-radius:8px;padding:5px 12px;margin:0 0 10px;width:min(100%,320px)}"
    "bdi{overflow-wrap:anywhere}.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax("
    "300px,1fr));gap:0 34px}"
    "footer{color:var(--soft);font-size:.85em;text-align:center;padding-top:6px}"
    ".bars "
    "td:first-child{white-space:nowrap;max-width:220px;overflow:hidden;text-overflow:ellipsis}"
    ".bars td:nth-child(2){width:44%}.mem{margin:0;padding-left:1.9em}.mem "
    "li::marker{color:var(--soft)}.groups td:first-child{min-"
    "width:260px}.bul{width:26%}.st+td{min-width:6.5em}.nw{white-space:nowrap}.id{margin:0}"
    "@media screen and (max-width:640px){.scroll table{min-width:600px}section,.top,.facts "
    "div,.id{padding-left:16px;padding-right:16px}.id{grid-template-columns:1fr}.seal{width:52px;"
    "height:52px}.word{font-size:.95em}}"
    "@media "
    "print{@page{size:A4;margin:14mm}:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--"
    "soft:#444;"
    "--line:#bbb;--tint:#f2f2f2;--link:#000;--good:#0f6b3c;--bad:#a3142b;--odd:#5b2d91;--warn:#"
    "8a5300;"
    "--c4:#8c1a5b;--c3:#b3261e;--c2:#995500;--c1:#1f6392;--c0:#5a6472;--rest:#8a68bd}"
    "body{font-size:10.5pt}.wrap{max-width:none;padding:0}.pick,.find{display:none!important}"
    "section,.banner,details{border-color:#bbb;border-radius:0}section{padding:12px "
    "0;border-width:1px 0 0;break-inside:auto}"
    "h2,h3,summary{break-after:avoid}tr,.top{break-inside:avoid}*{-webkit-print-color-adjust:exact;"
    "print-color-adjust:exact}}",
};

static const char script[] =
    "(function(){var "
    "d=document,z=d.getElementById('lzh'),e=d.getElementById('len'),f=d.getElementById('find');"
    "function s(){d.documentElement.lang=z.checked?'zh-Hans':'en'}"
    "if(/^zh/i.test(navigator.language||''))z.checked=true;s();z.onchange=e.onchange=s;"
    "if(f){f.hidden=false;f.oninput=function(){var "
    "q=f.value.toLowerCase(),r=d.querySelectorAll('#rules tbody tr'),i;"
    "for(i=0;i<r.length;i++)r[i].hidden=r[i].textContent.toLowerCase().indexOf(q)<0}}"
    "addEventListener('beforeprint',function(){var x=d.querySelectorAll('details'),i;"
    "for(i=0;i<x.length;i++)x[i].open=true})})();";

void assay_html_style(struct assay_buf *out)
{
    for (size_t i = 0; i < sizeof style / sizeof style[0]; i++) {
        assay_buf_adds(out, style[i]);
    }
}

void assay_html_script(struct assay_buf *out)
{
    assay_buf_adds(out, script);
}
