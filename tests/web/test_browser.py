"""The page in a real browser, without a window. Skipped where there is none; Debian: chromium chromium-driver."""

import os
import shutil

import pytest

from tests.web.served import served

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
HOSTILE = "one <img src=x onerror=window.broken=1> two"
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}


@pytest.fixture
def browser():
    """Return a browser whose language is Korean."""
    if not (CHROMIUM and DRIVER):
        required = "browser" in os.environ.get("FASTS2S_TEST_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)("there is no Chromium with its chromedriver")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--lang=ko",
        "--window-size=1280,900",
    ):
        options.add_argument(argument)
    options.add_argument("--accept-lang=ko")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.implicitly_wait(5)
    yield driver
    driver.quit()


class Page:
    """The page as somebody uses it."""

    def __init__(self, browser):
        self.browser = browser

    def one(self, selector):
        return self.browser.find_element("css selector", selector)

    def texts(self, selector):
        return [found.text for found in self.browser.find_elements("css selector", selector)]

    def count(self, selector):
        return self.run(f"return document.querySelectorAll({selector!r}).length")

    def run(self, code, *arguments):
        return self.browser.execute_script(code, *arguments)

    def choose(self, name, value):
        """Move a slider, or choose from a list."""
        code = "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
        self.run(f"{code} e.dispatchEvent(new Event('input')); e.dispatchEvent(new Event('change'))", name, value)

    def ask(self, model, text):
        if self.run("return document.getElementById('model').value") != model:
            self.choose("model", model)
        self.one("#text").clear()
        self.one("#text").send_keys(text)
        self.one("#ask").click()
        self.wait()

    def wait(self):
        """Wait until what was asked has come: an answer, or why there is none."""
        busy = "document.getElementById('ask').disabled"
        look = f"const done = arguments[0], look = () => {busy} ? setTimeout(look, 20) : done()"
        self.browser.execute_async_script(f"{look}; setTimeout(look, 20)")


def test_the_page_in_a_browser(folders, browser):
    with served(*(folders / name for name in ("sums", "looks", "pairs", "words"))) as address:
        browser.get(address)
        page = Page(browser)
        _speaks(page)
        _answers(page)
        _looks(page)
        _shows_what_is_hostile_as_text(page)
        _fits_a_phone(page)
        loaded = page.run("return performance.getEntriesByType('resource').map((one) => one.name)")
        assert len(loaded) > 5
        assert [name for name in loaded if not name.startswith(address)] == []
        refused = [entry for entry in browser.get_log("browser") if "status of 422" not in entry["message"]]
        assert refused == [], "the console is empty but for what was refused"
        browser.get("about:blank")


def _speaks(page):
    assert page.texts("#model option") == ["sums", "looks", "pairs", "words"]
    assert page.run("return document.documentElement.lang") == "ko"
    assert page.one("#ask").text == "물어보기"
    for language, ask in (("ja", "質問する"), ("en", "Ask"), ("ko", "물어보기")):
        page.choose("language", language)
        assert page.one("#ask").text == ask
        assert page.run("return document.documentElement.lang") == language
    page.browser.refresh()
    assert page.texts("#model option")
    page.choose("language", "en")
    assert "undefined" not in page.one("body").text


def _answers(page):
    page.ask("sums", "7+11")
    assert page.count("#answers li") == 1
    page.choose("nbest", 3)
    page.wait()
    assert len(page.texts("#answers .said")) == 3
    assert page.count("#letters button") == 3
    assert page.count("#others .bar") == 5
    assert page.count("#state span") == 12
    assert not page.one("#attention-part").is_displayed()
    page.choose("temperature", 1)
    page.wait()
    assert not page.one("#beam").is_enabled()
    assert "drawn" in page.one("#remarks").text
    page.ask("sums", "7+x")
    assert "cannot be asked" in page.one("#status").text
    assert not page.one("#shown").is_displayed()


def _looks(page):
    page.ask("looks", "7+11")
    assert page.texts("#attention th[scope=col]") == ["7", "+", "1", "1", "␣"]
    assert page.count("#attention td[title]") == 3 * 5
    colour = page.run("return document.querySelector('#attention td[title]').style.backgroundColor")
    assert colour.startswith("rgba(37, 99, 235, 0")
    page.ask("words", "you say")
    assert page.one("#answers .said").text.startswith("you say")
    assert page.one("#length-field").is_displayed()


def _shows_what_is_hostile_as_text(page):
    page.ask("pairs", HOSTILE)
    assert "img" in page.one("#remarks").text
    assert page.count("#result img, #result script") == 0
    assert page.run("return window.broken") is None


def _fits_a_phone(page):
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    assert page.run("return document.documentElement.scrollWidth") <= PHONE["width"]
