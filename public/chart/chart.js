// Draws each chart of the page from the points of its table, and says under the pointer what the table says.
// Loaded only by pages with a chart.

import { follow } from './follow.js';
import uPlot from './uplot-1.6.32.js';

/** The colour that a style sheet gives an element, resolved: a canvas understands no `light-dark()`. */
const colour = (element, property = 'color') => getComputedStyle(element)[property];

/** The moments, and the exact values of each series; null where nothing is known. */
function read(figure) {
  const { at, series } = JSON.parse(figure.querySelector('script').textContent);
  const items = [...figure.querySelectorAll('.legend [data-series]')];
  return { moments: at, series: series.map((values, place) => ({ number: items[place].dataset.series, values })) };
}

/** The table, which is text until somebody asks for it. */
function tableOf(figure) {
  const folded = figure.querySelector('noscript.rows');
  if (folded) folded.outerHTML = folded.textContent;
  return figure.querySelector('table');
}

/** What the table says: the name of each moment, and of each series its unit and texts. */
function said(figure) {
  const table = tableOf(figure);
  const rows = [...table.tBodies[0].rows];
  const drawn = [...table.tHead.rows[0].cells].flatMap((head, column) => (head.dataset.series ? [{ column, number: head.dataset.series, unit: head.textContent.split(', ')[1] ?? '' }] : []));
  return {
    names: rows.map((row) => row.cells[0].textContent),
    series: drawn.map(({ column, number, unit }) => ({ number, unit, texts: rows.map((row) => row.cells[column].textContent) })),
  };
}

/** Series on top of each other: each holds the sum of those up to it. The highest sum first: those below are drawn over it. */
function barsOf(series, style) {
  let below = series[0].values.map(() => 0);
  const bars = series.map(({ values }, place) => ({
    values: (below = below.map((sum, at) => sum + values[at])),
    look: { stroke: style.series[place], fill: style.series[place], width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.72, 48] }) },
  }));
  return bars.reverse();
}

/** One series as an area, another to compare it with as a thin line. */
function linesOf([now, before], style) {
  // A single point has no line.
  const single = now.values.filter((value) => value !== null).length < 2;
  const lines = [{ values: now.values, look: { stroke: style.series[0], width: 2, fill: style.soft, points: { show: single } } }];
  // On top: the area would hide it.
  if (before) lines.push({ values: before.values, look: { stroke: style.series[1], width: 1.5, points: { show: false } } });
  return lines;
}

/** Makes what it is asked for once: a formatter takes longer to make than to use a hundred times. */
function once(make) {
  const made = new Map();
  return (...of) => {
    const key = of.join();
    if (!made.has(key)) made.set(key, make(...of));
    return made.get(key);
  };
}

const axisNumber = once((language) => new Intl.NumberFormat(language, { maximumFractionDigits: 2 }));
const dayOf = once((language, timeZone) => new Intl.DateTimeFormat(language, { timeZone, month: 'short', day: 'numeric' }));
const clockOf = once((language, timeZone) => new Intl.DateTimeFormat(language, { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }));

const wallOf = once((timeZone) => new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' }));

/** Texts of the time axis, in the console's zone: clock times, and the day where one begins. */
function timeTexts(language, zone, first, last) {
  const [day, clock] = [dayOf(language, zone), clockOf(language, zone)];
  return (_plot, moments, _axis, _space, step) =>
    moments.map((moment) => {
      if (moment < first || moment > last) return '';
      const [date, time] = [new Date(moment * 1000), clock.format(moment * 1000)];
      return step >= 86_400 || time === '00:00' ? day.format(date) : time;
    });
}

/** A line across at a level, and a dot at the highest point, each with its text. */
function marks(figure, plot, style, values) {
  const { ctx, bbox } = plot;
  const { level, levelText, peakText } = figure.dataset;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `600 ${12 * ratio}px ${colour(figure, 'fontFamily')}`;
  const write = (text, x, y) => {
    const half = ctx.measureText(text).width / 2;
    const inside = Math.min(Math.max(x, bbox.left + half), bbox.left + bbox.width - half);
    ctx.textAlign = 'center';
    ctx.lineWidth = 4 * ratio;
    ctx.lineJoin = 'round';
    ctx.strokeStyle = style.surface();
    ctx.strokeText(text, inside, y);
    ctx.fillText(text, inside, y);
  };
  if (level) {
    const y = plot.valToPos(Number(level), 'y', true);
    ctx.fillStyle = ctx.strokeStyle = style.level();
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    ctx.lineWidth = 1.5 * ratio;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.setLineDash([]);
    write(levelText, calmest(plot, values, ctx.measureText(levelText).width), y - 7 * ratio);
  }
  if (peakText) {
    const [moments] = plot.data;
    const at = values.indexOf(Math.max(...values));
    const [x, y] = [plot.valToPos(moments[at], 'x', true), plot.valToPos(values[at], 'y', true)];
    if (x >= bbox.left && x <= bbox.left + bbox.width) {
      ctx.fillStyle = style.series[0]();
      ctx.beginPath();
      ctx.arc(x, y, 4 * ratio, 0, 2 * Math.PI);
      ctx.fill();
      write(peakText, x, y - 10 * ratio);
    }
  }
  ctx.restore();
}

/** Where a text of this width has the lowest values under it. */
function calmest({ data: [moments], bbox, valToPos }, values, width) {
  const [from, to] = [moments[0], moments.at(-1)].map((moment) => valToPos(moment, 'x', true));
  const each = (to - from) / Math.max(moments.length - 1, 1);
  const at = (x) => Math.min(Math.max(Math.round((x - from) / (each || 1)), 0), values.length - 1);
  const highest = (place) => Math.max(...values.slice(at(place - width / 2), at(place + width / 2) + 1));
  const places = Array.from({ length: 24 }, (_, step) => bbox.left + width / 2 + ((bbox.width - width) * step) / 23);
  return places.reduce((best, place) => (highest(place) < highest(best) ? place : best));
}

/** Puts what stands in the table for the point under the pointer above the chart. */
function reader(figure) {
  const moment = figure.querySelector('.timestamp');
  const hint = moment.textContent;
  let table;
  return ({ cursor: { idx } }) => {
    const on = idx !== null && idx !== undefined;
    if (!on && !table) return;
    table ??= said(figure);
    moment.textContent = on ? table.names[idx] : hint;
    for (const { number, texts, unit } of table.series) {
      figure.querySelector(`.legend [data-series="${number}"] b`).textContent = on ? `${texts[idx]} ${unit}`.trim() : '';
    }
  };
}

/** Draws a chart; it is removed when `gone` says so. */
function draw(figure, gone) {
  const { one, zone, lang, chart, peakText } = figure.dataset;
  const target = figure.querySelector('.plot');
  const whole = figure.querySelector('[data-whole]');
  const { moments, series } = read(figure);
  figure.querySelector('details').addEventListener('toggle', () => tableOf(figure));
  if (moments.length === 0 || series.length === 0) return;
  const bars = chart === 'bars';
  const half = bars ? (moments.length > 1 ? (moments[1] - moments[0]) / 2 : 43_200) : 0;
  const swatches = series.map(({ number }) => figure.querySelector(`.swatch.series-${number}`));
  const style = {
    text: () => colour(target),
    line: () => colour(target, 'borderTopColor'),
    surface: () => colour(target, 'backgroundColor'),
    level: () => colour(target, 'outlineColor'),
    series: swatches.map((swatch) => () => colour(swatch)),
    soft: () => colour(swatches[0], 'backgroundColor'),
  };
  const drawn = bars ? barsOf(series, style) : linesOf(series, style);
  const plot = new uPlot(
    {
      width: target.clientWidth,
      height: target.clientHeight,
      legend: { show: false },
      // What clocks show in the console's zone, as if it were the browser's: so uPlot wants it.
      tzDate: (moment) => new Date(wallOf(zone).format(moment * 1000)),
      scales: {
        x: { range: (_plot, from, to) => [from - half, to + half] },
        y: { range: (_plot, _low, high) => [0, Math.max(high * (peakText ? 1.12 : 1.05), Number(figure.dataset.level ?? 0), 1)] },
      },
      axes: [
        { stroke: style.text, grid: { show: false }, ticks: { stroke: style.line, width: 1, size: 5 }, values: timeTexts(lang, zone, moments[0], moments.at(-1)), space: 64, size: 34, ...(bars && { incrs: [1, 2, 4, 7, 14, 28, 91, 182, 364].map((days) => days * 86_400) }) },
        {
          stroke: style.text,
          grid: { stroke: style.line, width: 1 },
          ticks: { show: false },
          values: (_plot, values) => values.map((value) => axisNumber(lang).format(value / Number(one))),
          size: (_plot, texts) => 16 + 7.5 * Math.max(...(texts ?? ['']).map((text) => text.length), 2),
          incrs: increments(Number(one)),
          space: 44,
        },
      ].map((axis) => ({ font: `12px ${colour(figure, 'fontFamily')}`, ...axis })),
      cursor: { y: false, drag: { x: true, y: false }, points: { show: !bars } },
      series: [
        {},
        ...drawn.map(({ look }) => look),
      ],
      hooks: {
        draw: [(plot) => marks(figure, plot, style, series[0].values)],
        setCursor: [reader(figure)],
        setScale: [
          (plot, scale) => {
            if (scale !== 'x') return;
            const { min, max } = plot.scales.x;
            whole.hidden = min <= moments[0] - half && max >= moments.at(-1) + half;
          },
        ],
      },
    },
    [moments, ...drawn.map(({ values }) => values)],
    target,
  );
  whole.addEventListener('click', () => plot.setScale('x', { min: moments[0], max: moments.at(-1) }));
  const size = new ResizeObserver(() => {
    const [width, height] = [target.clientWidth, target.clientHeight];
    // It is told of the size that was drawn, too.
    if (width !== plot.width || height !== plot.height) plot.setSize({ width, height });
  });
  size.observe(target);
  for (const query of ['(prefers-color-scheme: dark)', 'print']) {
    matchMedia(query).addEventListener('change', () => plot.redraw(), { signal: gone });
  }
  gone.addEventListener('abort', () => {
    size.disconnect();
    plot.destroy();
  });
}

/** Steps of the value axis that are round in the unit shown, and never less than the smallest thing counted. */
function increments(one) {
  const steps = [];
  for (let ten = one / 100; ten < one * 1e7; ten *= 10) steps.push(ten, 2 * ten, 5 * ten);
  return steps.filter((step) => step >= 1);
}

let shown = new AbortController();

function drawAll() {
  shown.abort();
  shown = new AbortController();
  for (const figure of document.querySelectorAll('figure[data-chart]')) draw(figure, shown.signal);
}

drawAll();
follow(drawAll);
