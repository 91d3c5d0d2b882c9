const state = document.getElementById("state");
const say = (text, ended) => {
  if (state.textContent !== text) state.textContent = text;
  state.classList.toggle("ended", ended);
};
const renew = async () => {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [fresh, shown] = [page.querySelector("main"), document.querySelector("main")];
    if (fresh.innerHTML !== shown.innerHTML) shown.replaceWith(fresh);
    say("Live", false);
  } catch {
    say("The sandbox has ended", true);
  }
  setTimeout(renew, 1000);
};
renew();
