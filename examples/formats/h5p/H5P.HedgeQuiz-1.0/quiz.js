// A content type of H5P: one question, and what was chosen is found again.
var H5P = H5P || {};

H5P.HedgeQuiz = class extends H5P.EventDispatcher {
  constructor(parameters, id, { previousState } = {}) {
    super();
    Object.assign(this, parameters, { contentId: id, chosen: previousState?.chosen ?? null });
  }

  attach([place]) {
    const title = document.createElement("h2");
    title.textContent = this.question;
    const buttons = this.answers.map((answer, n) => {
      const button = document.createElement("button");
      button.textContent = answer;
      button.setAttribute("aria-pressed", String(n === this.chosen));
      button.onclick = () => {
        this.chosen = n;
        buttons.forEach((it, m) => it.setAttribute("aria-pressed", String(m === n)));
        this.tell();
      };
      return button;
    });
    place.append(title, ...buttons);
  }

  tell() {
    const event = this.createXAPIEventTemplate("answered");
    const { definition } = event.data.statement.object;
    definition.interactionType = "choice";
    definition.choices = this.answers.map((answer, n) => ({ id: `${n}`, description: { en: answer } }));
    definition.correctResponsesPattern = [`${this.right}`];
    event.setScoredResult(this.getScore(), 1, this, true, this.getScore() === 1);
    event.data.statement.result.response = `${this.chosen}`;
    this.trigger(event);
  }

  getScore() {
    return this.chosen === this.right ? 1 : 0;
  }

  getMaxScore() {
    return 1;
  }

  getCurrentState() {
    return { chosen: this.chosen };
  }
};
