"use strict";
(() => {
  const themes = JSON.parse(document.getElementById("themes").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const theme = () => themes[dark.matches ? "dark" : "light"];
  const figures = new Map();
  for (const script of document.querySelectorAll("script[data-plot]")) {
    figures.set(script.dataset.plot, JSON.parse(script.textContent));
  }
  // Without buttons: all they do, dragging and double clicking do too, and they cover the plots.
  const config = { responsive: true, displayModeBar: false, displaylogo: false, scrollZoom: false };

  const draw = (plot) => {
    const figure = figures.get(plot.id);
    const layout = { ...figure.layout, template: theme() };
    return Plotly.newPlot(plot, figure.data, layout, config).then(() => {
      plot.dataset.drawn = "";
    });
  };

  // Plots are drawn when they come near the window: a phone has few WebGL contexts to give.
  const nearby = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) {
          nearby.unobserve(entry.target);
          draw(entry.target);
        }
      }
    },
    { rootMargin: "600px" },
  );
  for (const plot of document.querySelectorAll(".plot")) nearby.observe(plot);

  dark.addEventListener("change", () => {
    for (const plot of document.querySelectorAll(".plot[data-drawn]")) {
      Plotly.relayout(plot, { template: theme() });
    }
  });
})();
