"""Records and reads with PyPI's tincan. Arguments: endpoint, key, secret."""

import sys

from tincan import (
    Activity, ActivityDefinition, Agent, LanguageMap, RemoteLRS, Statement, StateDocument, Verb,
)

endpoint, username, password = sys.argv[1:]
lrs = RemoteLRS(endpoint=endpoint, version="1.0.1", username=username, password=password)


def done(response):
    """The content of a response that succeeded."""
    request = response.request
    assert response.success, f"{request.method} {request.resource}: {response.data}"
    return response.content


agent = Agent(name="Ada", mbox="mailto:ada@example.org")
activity = Activity(
    id="https://example.org/activities/one",
    definition=ActivityDefinition(name=LanguageMap({"en": "One"})),
)
verb = Verb(
    id="http://adlnet.gov/expapi/verbs/experienced",
    display=LanguageMap({"en": "experienced"}),
)

saved = done(lrs.save_statement(Statement(actor=agent, verb=verb, object=activity)))
read = done(lrs.retrieve_statement(saved.id))
assert read.object.id == activity.id
assert read.stored is not None

two = [Statement(actor=agent, verb=verb, object=activity) for _ in range(2)]
done(lrs.save_statements(two))
page = done(lrs.query_statements({"agent": agent, "limit": 2}))
assert len(page.statements) == 2
assert len(done(lrs.more_statements(page)).statements) == 1

state = StateDocument(
    id="bookmark", activity=activity, agent=agent,
    content_type="text/plain", content=bytearray(b"page 3"),
)
done(lrs.save_state(state))
assert done(lrs.retrieve_state(activity, agent, "bookmark")).content == b"page 3"
done(lrs.delete_state(state))
assert done(lrs.retrieve_state_ids(activity, agent)) == []
