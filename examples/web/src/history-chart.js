// history-chart.js: how many were online, away and busy over the last minutes, from what this page has seen.
import uPlot from 'uplot';
import { make, setText } from './elements.js';

const sampleInterval = 1000;
const longest = 300; // seconds
const shortest = 60;
const height = 110;
const mostTicks = 5;

// From the bottom up: each area lies on the one before it.
const series = [
  { status: 'online', label: 'online' },
  { status: 'busy', label: 'busy' },
  { status: 'away', label: 'away' },
];

export class HistoryChart {
  #element;
  #channel;
  #samples = []; // each [second, online, busy, away]
  #plot = null;
  #numbers = new Map();

  constructor({ chart, legend }, channel) {
    this.#element = chart;
    this.#channel = channel;
    for (const { status, label } of series) {
      const number = make('span', { textContent: '0' });
      this.#numbers.set(status, number);
      legend.append(make('li', {}, make('i', { className: 'dot', dataset: { status } }), number, ` ${label}`));
    }
    setInterval(() => this.#sample(), sampleInterval);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
    new ResizeObserver(() => this.#resize()).observe(chart);
  }

  #sample() {
    const counts = { online: 0, busy: 0, away: 0 };
    for (const { status } of this.#channel.users.values()) counts[status]++;
    for (const { status } of series) setText(this.#numbers.get(status), counts[status].toLocaleString());
    const now = Math.round(Date.now() / 1000);
    this.#samples.push([now, ...series.map(({ status }) => counts[status])]);
    while (this.#samples[0][0] < now - longest) this.#samples.shift();
    this.#plot?.setData(this.#stacked());
  }

  #resize() {
    if (this.#element.clientWidth === 0) return;
    if (this.#plot) this.#plot.setSize({ width: this.#element.clientWidth, height });
    else this.#draw();
  }

  // Colours are those of the theme now.
  #draw() {
    this.#plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const axis = { stroke: colour('muted'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false }, font: '11px system-ui', gap: 4 };
    const area = ({ status }) => ({ stroke: colour(status), width: 1.5, fill: `color-mix(in srgb, ${colour(status)} 32%, ${colour('surface')})`, points: { show: false } });
    this.#plot = new uPlot(
      {
        width: this.#element.clientWidth,
        height,
        padding: [6, 14, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { range: () => this.#seconds() }, y: { range: (_, low, high) => [0, Math.max(5, high * 1.1)] } },
        axes: [{ ...axis, size: 22, splits: () => this.#ticks(), values: (_, seconds) => seconds.map(ago) }, { ...axis, size: 34, space: 34 }],
        // The highest first, so that the lower areas lie before it.
        series: [{}, ...series.map(area).reverse()],
      },
      this.#stacked(),
      this.#element,
    );
  }

  // From the first sample, so that a page that has just been opened shows more than its right edge.
  #seconds() {
    const now = Date.now() / 1000;
    return [Math.min(this.#samples[0]?.[0] ?? now, now - shortest), now];
  }

  // Whole steps back from now.
  #ticks() {
    const [from, now] = this.#seconds();
    const step = [15, 30, 60].find((each) => (now - from) / each <= mostTicks) ?? longest / mostTicks;
    const ticks = [];
    for (let second = now; second >= from; second -= step) ticks.unshift(second);
    return ticks;
  }

  // As uPlot takes it: a row of seconds, and one for each series, the highest first.
  #stacked() {
    const rows = [[], ...series.map(() => [])];
    for (const [second, ...counts] of this.#samples) {
      rows[0].push(second);
      let sum = 0;
      counts.forEach((count, index) => rows[series.length - index].push((sum += count)));
    }
    return rows;
  }
}

function ago(second) {
  const seconds = Math.round(Date.now() / 1000 - second);
  if (seconds < 1) return 'now';
  return seconds < 60 ? `−${seconds} s` : `−${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
