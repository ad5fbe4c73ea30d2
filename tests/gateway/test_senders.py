"""Senders as people have them, unchanged but for their endpoint: the official SDK, Node, curl, and the page."""

import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from urllib.parse import quote

import pytest

from ledger import Ledger, Settings
from ledger.simulator import Simulator
from tests.docs.pages import block_with
from tests.gateway.conftest import SEND_PATH, MakeGateway, Running, send_body, token_of

CAMPAIGN, SOURCE = "春节", "hr-mailer"
NODE = """
const [url, token, campaign, body] = process.argv.slice(1)
const headers = {
  'content-type': 'application/json',
  'x-acs-dingtalk-access-token': token,
  'x-ledger-campaign': encodeURIComponent(campaign),
  'x-ledger-source': 'hr-mailer',
}
const answers = Array.from({ length: 20 }, async () => {
  const answer = await fetch(url, { method: 'POST', headers, body })
  if (!answer.ok) throw new Error(await answer.text())
  return (await answer.json()).processQueryKey
})
Promise.all(answers).then((keys) => console.log(JSON.stringify(keys)))
"""

# What Spring's clients are built on since Java 11: every first request of a connection offers to go on with HTTP/2.
JAVA = """
import java.net.*;
import java.net.http.*;
import java.util.*;

public class Sender {
    public static void main(String[] words) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest request = HttpRequest.newBuilder(URI.create(words[0]))
            .header("content-type", "application/json")
            .header("x-acs-dingtalk-access-token", words[1])
            .header("x-ledger-campaign", URLEncoder.encode(words[2], "UTF-8"))
            .header("x-ledger-source", "hr-mailer")
            .POST(HttpRequest.BodyPublishers.ofString(words[3]))
            .build();
        List<String> answers = new ArrayList<>();
        for (int number = 0; number < 5; number++)
            answers.add(checked(client.send(request, HttpResponse.BodyHandlers.ofString())));
        var running = new ArrayList<java.util.concurrent.CompletableFuture<HttpResponse<String>>>();
        for (int number = 0; number < 10; number++)
            running.add(client.sendAsync(request, HttpResponse.BodyHandlers.ofString()));
        for (var answer : running) answers.add(checked(answer.get()));
        System.out.println(String.join("\\n", answers));
    }

    static String checked(HttpResponse<String> answer) {
        if (answer.statusCode() != 200) throw new RuntimeException(answer.statusCode() + " " + answer.body());
        return answer.body();
    }
}
"""


@pytest.fixture
def gateway(make_gateway: MakeGateway, simulator: Simulator) -> Running:
    """A gateway in front of the pretend DingTalk."""
    return make_gateway(simulator.url)


def assert_recalled(gateway: Running, keys: list[str]) -> None:
    """Check that all of it is recorded under its tags, and can be recalled."""
    result = gateway.book.run(gateway.book.plan(campaign=CAMPAIGN, reason="wrong link"))
    assert result.recalled == len(keys)
    assert {item.process_query_key for item in gateway.book.history(campaign=CAMPAIGN)} == set(keys)


def test_the_official_sdk_as_a_sender(gateway: Running, simulator: Simulator) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own affair
        from alibabacloud_dingtalk.robot_1_0 import models
        from alibabacloud_dingtalk.robot_1_0.client import Client
        from alibabacloud_tea_openapi.models import Config
        from alibabacloud_tea_util.models import RuntimeOptions

        tags = {"x-ledger-campaign": quote(CAMPAIGN), "x-ledger-source": SOURCE}
        (token,) = token_of(simulator).values()
        headers = models.BatchSendOTOHeaders(x_acs_dingtalk_access_token=token, common_headers=tags)
        client = Client(Config(endpoint=f"{gateway.host}:{gateway.port}", protocol="http", region_id="central"))

        def ask(user: str) -> models.BatchSendOTORequest:
            body = send_body(user)
            return models.BatchSendOTORequest(
                robot_code=body["robotCode"], user_ids=[user], msg_key=body["msgKey"], msg_param=body["msgParam"]
            )

        answers = [
            client.batch_send_otowith_options(ask(f"user-{number}"), headers, RuntimeOptions()) for number in range(5)
        ]
        assert_recalled(gateway, [answer.body.process_query_key for answer in answers])

        simulator.stop()
        with pytest.raises(Exception, match=r"ledger\.gateway\.unreachable") as caught:
            client.batch_send_otowith_options(ask("ann"), headers, RuntimeOptions())
        assert "nothing was sent" in str(caught.value)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed here")
def test_fetch_of_node_as_a_sender(gateway: Running, simulator: Simulator) -> None:
    (token,) = token_of(simulator).values()
    words = [gateway.url + SEND_PATH, token, CAMPAIGN, json.dumps(send_body("ann"))]
    done = subprocess.run(["node", "-e", NODE, "--", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert_recalled(gateway, json.loads(done.stdout))


@pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed here")
def test_the_http_client_of_java_as_a_sender(gateway: Running, simulator: Simulator, tmp_path: Path) -> None:
    source = tmp_path / "Sender.java"
    source.write_text(JAVA, encoding="utf-8")
    (token,) = token_of(simulator).values()
    words = [gateway.url + SEND_PATH, token, CAMPAIGN, json.dumps(send_body("ann"))]
    done = subprocess.run(
        ["java", "-Dfile.encoding=UTF-8", "-Dsun.jnu.encoding=UTF-8", str(source), *words],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert_recalled(gateway, [json.loads(line)["processQueryKey"] for line in done.stdout.splitlines()])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")
@pytest.mark.parametrize("more", [[], ["--compressed"], ["--http1.0"], ["-H", "Transfer-Encoding: chunked"]])
def test_curl_as_a_sender(gateway: Running, simulator: Simulator, more: list[str]) -> None:
    (token,) = token_of(simulator).values()
    tags = ["-H", f"x-ledger-campaign: {CAMPAIGN}", "-H", f"x-ledger-source: {SOURCE}"]
    common = ["-H", f"x-acs-dingtalk-access-token: {token}", "-H", "content-type: application/json", *tags, *more]
    words = ["curl", "-sS", "--fail", *common, "-d", json.dumps(send_body("ann")), gateway.url + SEND_PATH]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert_recalled(gateway, [json.loads(done.stdout)["processQueryKey"]])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")
def test_the_words_of_the_page_record_a_send(tmp_path: Path, simulator: Simulator) -> None:
    block = block_with("curl", "ledger gateway").text
    start, send = block.split("\n", 1)
    (token,) = token_of(simulator).values()
    settings = {"database_url": f"sqlite:///{tmp_path / 'ledger.sqlite'}", "api_url": simulator.url}
    ours = {f"LEDGER_{name.upper()}": value for name, value in settings.items()}
    environment = {**os.environ, **ours, "TOKEN": token}
    # The example's own port may be taken here.
    words = [sys.executable, "-m", *start.partition("&")[0].split(), "--port", "0"]
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        url = re.search(r"http://[\d.:]+", process.stderr.readline())
        assert url is not None
        message = send.replace("http://127.0.0.1:8401", url[0])
        done = subprocess.run(message, shell=True, env=environment, capture_output=True, text=True, timeout=60)  # noqa: S602
        assert "processQueryKey" in done.stdout, done.stderr
        process.terminate()
        assert process.wait(60) == 0
    with Ledger(Settings.load(**settings)) as book:
        (line,) = book.campaigns()
    assert (line.campaign, line.messages, line.recipients) == ("spring", 1, 1)
