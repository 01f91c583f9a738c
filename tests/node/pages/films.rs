//! Sound and films, played in a real browser.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hedgeschool_tests::{Browser, course};

use super::ADA;
use super::lessons::{Classroom, expect_no_errors};
use crate::tree::soon;

/// Silence of so many seconds: 8 bits, 8 kHz, one channel.
fn silence(seconds: u32) -> Vec<u8> {
    let data = vec![128_u8; (seconds * 8_000) as usize];
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + data.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data");
    wav.extend((data.len() as u32).to_le_bytes());
    wav.extend(data);
    wav
}

/// Plays for a while, muted: nobody has touched the page.
pub fn play_on(browser: &Browser, seconds: f64) -> Result<()> {
    browser.evaluate(&format!(
        "(async (it) => {{
            it.muted = true;
            const end = Math.min(it.currentTime + {seconds}, it.duration) - 0.05;
            await it.play();
            while (it.currentTime < end && !it.ended)
              await new Promise((on) => it.addEventListener('timeupdate', on, {{ once: true }}));
            it.pause();
          }})(document.querySelector('audio, video'))"
    ))?;
    Ok(())
}

#[test]
fn sound_is_done_when_it_was_heard_and_not_when_somebody_jumps_to_its_end() -> Result<()> {
    let classroom = Classroom::with("Birds.wav", "audio", &silence(6))?;
    let phone = classroom.enter(Browser::phone()?, ADA)?;
    let ready = |browser: &Browser| {
        soon("it is there", || {
            Ok(browser.evaluate("document.querySelector('audio')?.duration")? == 6)
        })
    };
    classroom.play(&phone, |audio| {
        ready(audio)?;
        audio.evaluate("document.querySelector('audio').currentTime = 4")?;
        play_on(audio, 2.0)
    })?;
    classroom.await_standing(&phone, "In progress")?;
    ensure!(classroom.recorded("/completed")?.is_empty());
    classroom.play(&phone, |audio| {
        ready(audio)?;
        play_on(audio, 3.0)
    })?;
    let other = classroom.enter(Browser::desktop()?, ADA)?;
    classroom.play(&other, |audio| {
        ready(audio)?;
        soon("it goes on where it was", || {
            let at = audio.evaluate("document.querySelector('audio').currentTime")?;
            Ok(at.as_f64().is_some_and(|at| (2.5..3.5).contains(&at)))
        })?;
        play_on(audio, 2.0)?;
        soon("it is done", || Ok(classroom.recorded("/completed")?.len() == 1))
    })?;
    let said = &classroom.recorded("/completed")?[0]["result"]["extensions"];
    let segments = said["https://w3id.org/xapi/video/extensions/played-segments"].as_str();
    ensure!(segments.is_some_and(|it| it.starts_with("0[.]")), "{said}");
    classroom.await_standing(&other, "Completed")
}

/// A film of two seconds, made by the browser, which leaves out how long it is.
const FILM: &str = "(async () => {
  const canvas = document.createElement('canvas');
  const draw = canvas.getContext('2d');
  const recorder = new MediaRecorder(canvas.captureStream(10), { mimeType: 'video/webm' });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise((end) => (recorder.onstop = end));
  recorder.start();
  for (let n = 0; n < 20; n++) {
    draw.fillStyle = `hsl(${n * 18}, 80%, 50%)`;
    draw.fillRect(0, 0, 300, 150);
    await new Promise((next) => setTimeout(next, 100));
  }
  recorder.stop();
  await stopped;
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return btoa(String.fromCharCode(...bytes));
})()";

#[test]
fn a_film_has_captions_and_is_done_when_it_was_watched() -> Result<()> {
    let camera = Browser::desktop()?;
    let film = camera.evaluate(FILM)?;
    let film = STANDARD.decode(film.as_str().context("no film")?)?;
    drop(camera);
    let captions = "1\n00:00:00,000 --> 00:00:09,000\nA hedge in the wind\n";
    let files = [("Wind.webm", film.as_slice()), ("Wind.en.srt", captions.as_bytes())];
    let classroom = Classroom::with("Films.zip", "video", &course::archive(&files)?)?;
    let phone = classroom.enter(Browser::phone()?, ADA)?;
    classroom.play(&phone, |video| {
        soon("it is there", || {
            let length = video.evaluate("document.querySelector('video')?.duration")?;
            Ok(length.as_f64().is_some_and(|length| (1.0..4.0).contains(&length)))
        })?;
        play_on(video, 1.0)?;
        let words = "document.querySelector('video').textTracks[0].cues?.[0]?.text";
        ensure!(video.evaluate(words)? == "A hedge in the wind");
        play_on(video, 9.0)?;
        soon("it is done", || Ok(classroom.recorded("/completed")?.len() == 1))
    })?;
    expect_no_errors(&phone)?;
    classroom.await_standing(&phone, "Completed")
}
