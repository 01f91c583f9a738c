// Leads through a unit: one step after another, a quiz if there is one, and what became of it.
"use strict";

// What counts as a pass when the launch does not say.
const MASTERY_SCORE_DEFAULT = 0.6;

const steps = [...document.querySelectorAll(".step")];
const record = document.getElementById("record");
const quiz = document.querySelector(".quiz");
const session = Cmi5Session.fromAddress();
const ready = session?.begin();

function show(position) {
  const step = steps[position];
  step.hidden = false;
  if (position > 0) step.scrollIntoView({ behavior: "smooth", block: "start" });
}

// Says on the page whether the work is being kept, and never lets it disturb the lesson.
async function keep(saying) {
  if (!session) return;
  try {
    await ready;
    await saying();
    record.textContent = "Your work is saved.";
  } catch (error) {
    record.textContent = `Your work is not being saved: ${error.message}.`;
  }
}

function finish(title, advice) {
  const last = steps.at(-1);
  last.querySelector(".verdict").textContent = title;
  last.querySelector(".advice").textContent = advice;
  show(steps.length - 1);
  last.focus({ preventScroll: true });
  keep(() => session.completed());
}

function judge() {
  const questions = [...quiz.querySelectorAll("fieldset")];
  let right = 0;
  for (const question of questions) {
    const isRight = question.querySelector("input:checked").value === question.dataset.answer;
    question.classList.add(isRight ? "right" : "wrong");
    question.disabled = true;
    if (isRight) right += 1;
  }
  quiz.querySelector("button").hidden = true;
  keep(() => session.judged(right, questions.length, MASTERY_SCORE_DEFAULT));
  const passed = right / questions.length >= MASTERY_SCORE_DEFAULT;
  finish(
    `${right} of ${questions.length} right`,
    passed ? "Well done, you have passed. On to the next unit!"
      : "Read it again when you like, and open the unit once more for another try.",
  );
}

steps.forEach((step, position) => {
  step.hidden = position > 0;
  const next = step.querySelector(".next");
  next?.addEventListener("click", () => {
    next.hidden = true;
    if (position + 2 === steps.length && !quiz) {
      finish("That is all", "You have completed this unit.");
      return;
    }
    show(position + 1);
    const percent = Math.round(((position + 1) / (steps.length - 1)) * 100);
    keep(() => session.progressed(percent));
  });
});

quiz?.addEventListener("submit", (event) => {
  event.preventDefault();
  judge();
});

if (session) {
  keep(() => ready);
  // Leaving ends the session; the request outlives the page.
  addEventListener("pagehide", () => { if (session.began) session.terminated(); });
} else {
  record.textContent =
    "Practice only: this page was opened without a launch, so nothing is saved.";
}
