"""The loop that people write with DingTalk's own SDK: call after call, twenty keys each: a child of the run.

`python -m tests.benchmarks.official HOST:PORT ROBOT` reads keys from stdin, a line each, and prints what became of
them as JSON; it says so when the SDK (alibabacloud_dingtalk on PyPI) is missing.
"""

import json
import sys
import time
from collections import Counter
from typing import Any

KEYS_PER_CALL = 20


def main() -> None:
    """Recall everything, or say why not."""
    try:
        figures = _recall(sys.argv[1], sys.argv[2], sys.stdin.read().split())
    except ImportError as error:
        figures = {"missing": f"{error}: pip install alibabacloud_dingtalk"}
    json.dump(figures, sys.stdout)


def _recall(endpoint: str, robot: str, keys: list[str]) -> dict[str, Any]:
    from alibabacloud_dingtalk.robot_1_0 import models
    from alibabacloud_dingtalk.robot_1_0.client import Client
    from alibabacloud_tea_openapi.models import Config
    from alibabacloud_tea_util.models import RuntimeOptions

    config = Config(endpoint=endpoint, protocol="http", region_id="central")
    headers = models.BatchRecallOTOHeaders(x_acs_dingtalk_access_token=_token(config))
    client, recalled, refused = Client(config), 0, Counter[str]()
    started = time.perf_counter()
    for start in range(0, len(keys), KEYS_PER_CALL):
        request = models.BatchRecallOTORequest(robot_code=robot, process_query_keys=keys[start : start + KEYS_PER_CALL])
        try:
            answer = client.batch_recall_otowith_options(request, headers, RuntimeOptions())
            recalled += len(answer.body.success_result or [])
        except Exception as error:
            refused[getattr(error, "code", type(error).__name__)] += 1
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "keys_recalled": recalled, "calls_refused": dict(refused)}


def _token(config: Any) -> str:
    from alibabacloud_dingtalk.oauth2_1_0.client import Client
    from alibabacloud_dingtalk.oauth2_1_0.models import GetAccessTokenRequest

    answer = Client(config).get_access_token(GetAccessTokenRequest(app_key="dingapp", app_secret="a-long-secret"))
    return str(answer.body.access_token)


if __name__ == "__main__":
    main()
