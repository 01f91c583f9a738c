// In the player's frame, the player goes on. A window of its own has nowhere else to go.
if (parent !== window) parent.postMessage("hedgeschool:returned", "*");
else location.replace(document.getElementById("back").href);
