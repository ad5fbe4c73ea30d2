"""What does not fit on a page as a browser has laid it out: nothing may stick out, break out of its box or overlap."""

# Text is measured letter by letter where it is drawn, not as the boxes around it say. What a style sheet writes itself
# (`::before`) has no letters that a script could ask for: it shows as a box whose content is larger than it.
CROWDED = r"""
    const SLACK = 1.5;
    const ROW = "tr, li, .headline, .top, .find, .actions, .filters, .tabs, .pager, .facts, .figures, dl, p";
    const BOX = "td, th, tr, .card, .note, .confirm, .button, .fact, .state, fieldset, summary.button, .filters a";
    const found = [], said = (node) => (node.textContent || node.value || "").trim().replace(/\s+/g, " ").slice(0, 40);
    const NOT_READ = "script, style, option, textarea, title";
    const isSeen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest(".unseen, .skip")
        && !(one.closest("thead") && getComputedStyle(one.closest("thead")).position === "absolute")
        && !(one.closest("details:not([open])") && !one.closest("summary"));
    const boxesOf = (node) => {
        const range = document.createRange();
        range.selectNodeContents(node);
        return [...range.getClientRects()].filter((box) => box.width > 1 && box.height > 1);
    };
    const isOut = (inner, outer) => inner.left < outer.left - SLACK || inner.right > outer.right + SLACK
        || inner.top < outer.top - SLACK || inner.bottom > outer.bottom + SLACK;
    const doOverlap = (one, other) => one.left < other.right - SLACK && other.left < one.right - SLACK
        && one.top < other.bottom - SLACK && other.top < one.bottom - SLACK;

    if (document.scrollingElement.scrollWidth > Math.min(document.documentElement.clientWidth, arguments[0]))
        found.push(`${document.scrollingElement.scrollWidth} px wide`);
    const rows = new Map();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node; node = walker.nextNode();) {
        const holder = node.parentElement;
        if (!node.textContent.trim() || holder.closest(NOT_READ) || !isSeen(holder)) continue;
        const boxes = boxesOf(node);
        for (const box of boxes)
            if (box.right > arguments[0] + SLACK || box.left < -SLACK)
                found.push(`beyond the page: ${said(node)}`);
        for (let around = holder.closest(BOX); around; around = around.parentElement.closest(BOX)) {
            const edge = around.getBoundingClientRect();
            // Lines are a little higher than the letters of which they are.
            if (getComputedStyle(around).display !== "inline" && boxes.some((box) => isOut(box, edge)))
                found.push(`out of its ${around.dataset.label ?? around.tagName}: ${said(node)}`);
        }
        const row = holder.closest(ROW);
        if (row) rows.set(row, [...(rows.get(row) ?? []), { element: holder, name: said(node), boxes }]);
    }
    for (const one of document.querySelectorAll("a.button, button, input, select, textarea")) {
        const row = one.closest(ROW);
        const boxes = [one.getBoundingClientRect()];
        if (row && isSeen(one)) rows.set(row, [...(rows.get(row) ?? []), { element: one, name: said(one), boxes }]);
    }
    for (const pieces of rows.values())
        pieces.forEach((one, at) => pieces.slice(at + 1).forEach((other) => {
            if (one.element.contains(other.element) || other.element.contains(one.element)) return;
            if (one.boxes.some((box) => other.boxes.some((against) => doOverlap(box, against))))
                found.push(`over each other: ${one.name} | ${other.name}`);
        }));
    for (const table of document.querySelectorAll("table"))
        if (isSeen(table) && table.offsetWidth > table.parentElement.clientWidth + SLACK)
            found.push(`a table wider than what it stands in`);
    for (const cell of document.querySelectorAll("td")) {
        if (!isSeen(cell) || !cell.clientHeight) continue;
        if (cell.scrollWidth > cell.clientWidth + SLACK || cell.scrollHeight > cell.clientHeight + SLACK)
            found.push(`label out of its cell: ${cell.dataset.label}`);
    }
    // A name that needs more than a line has room for 24 letters in each.
    for (const name of document.querySelectorAll("td.name, td.campaign")) {
        if (!isSeen(name)) continue;
        const style = getComputedStyle(name), letter = document.createElement("canvas").getContext("2d");
        letter.font = style.font;
        const room = name.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
        const text = name.querySelector("bdi");
        const lines = text ? new Set([...text.getClientRects()].map((box) => Math.round(box.top))).size : 1;
        if (lines > 1 && room < 24 * letter.measureText("0").width - SLACK)
            found.push(`a name in ${Math.round(room)} px: ${said(text)}`);
    }
    return [...new Set(found)];
"""
