// Sends the chosen package as it is, and says what came of it.
const form = document.getElementById("import");
const chosen = document.getElementById("package");
const outcome = document.getElementById("outcome");
const button = form.querySelector("button");
form.hidden = false;

function say(text, kind) {
  outcome.textContent = text;
  outcome.className = `notice ${kind}`;
}

async function send(file) {
  const isPublic = document.getElementById("public").checked;
  const response = await fetch(`/content/v1/courses?public=${isPublic}`, {
    method: "POST",
    headers: { "Content-Type": "application/zip" },
    body: file,
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return { course: answer, isNew: response.status === 201 };
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  say("Importing…", "");
  try {
    const { course, isNew } = await send(chosen.files[0]);
    const outcome = isNew ? `Imported “${course.title}”.` : `“${course.title}” was here already.`;
    say([outcome, ...course.notes].join(" "), "good");
  } catch (error) {
    say(`Not imported: ${error.message}`, "bad");
  }
  button.disabled = false;
});
