import pytest
from tests.hub.pages.conftest import plain

@pytest.mark.parametrize("path", ["/", "/items", "/items/new", "/schedules", "/schedules/slots/new", "/schedules/series", "/schedules/settings", "/schedules/preview", "/approvals", "/devices", "/devices/stick", "/devices/cl-1", "/schedules/preview?cluster=cl-1", "/schedules/preview?cluster=cl-1&source=draft", "/alerts", "/help", "/nix"])
def test_page(box, desk, path):
    box.add_cluster()
    answer = desk("mai").get(path)
    print(answer.status_code, plain(answer)[:3000])
    assert answer.status_code == (404 if path=="/nix" else 200)
