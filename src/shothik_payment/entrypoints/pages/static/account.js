// What an account's pages do beyond plain HTML; each works without it.
"use strict";

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// data-each: the price of one in minor units; data-digits of them are behind the point.
for (const total of document.querySelectorAll("output[data-each]")) {
  const field = document.getElementById(total.htmlFor.value);
  const { each, digits, currency } = total.dataset;
  const format = new Intl.NumberFormat("en-US", {
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  });
  const show = () => {
    const valid = field.value && field.validity.valid;
    total.textContent = valid ? `${format.format((field.value * each) / 10 ** digits)} ${currency}` : "";
  };
  field.addEventListener("input", show);
  show();
}
