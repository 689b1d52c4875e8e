package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/choirless/render/definition"
	"github.com/choirless/render/plan"
)

// ErrNotFound and ErrLost are the errors callers branch on.
var (
	// ErrNotFound: there is no such row, or nothing to claim.
	ErrNotFound = errors.New("store: not found")
	// ErrLost: the claim is no longer held; whoever holds it now, or has
	// cancelled the work, decides. What was done under it must be harmless.
	ErrLost = errors.New("store: claim lost")
)

// Store is the contract of the database. Safe for concurrent use, from several
// processes. Calls may block and honour their context; each is one transaction,
// so it has happened as a whole or not at all, whatever is killed when.
//
//  1. A song, part or task that is written is read back the same; what does not
//     exist is ErrNotFound. A choir is there from its first song on.
//  2. An upload counts once: the same recording (key and ETag) again changes
//     nothing, another one replaces the part's result and lifts its drop.
//  3. A claim is held by one owner at a time until its lease runs out, it is
//     handed back, or the work is cancelled; after that every write under it is
//     refused with ErrLost and changes nothing.
//  4. A song is claimed only when it changed since it was last planned, is due,
//     and none of its recordings is still being ingested.
//  5. A definition counts once: the same key and ETag as the newest render of
//     that key returns that render, unless forced.
//  6. A newer render of a song and definition name cancels the older ones; once
//     it is planned, unstarted tasks that no live render needs are cancelled. One that
//     runs may end; when it fails, goes silent or is handed back it is cancelled.
//  7. A task and the message that announces it are written together. A message
//     is handed out to one sender at a time, and again if that one disappears.
//  8. Completing a task counts once, however often and late it is reported, and
//     in whatever state the task is.
//  9. When the last task of a render's stage is done the render moves on, once,
//     in that task's transaction.
//  10. A failed attempt is tried again after a delay; a failure reported for an
//     older attempt than the current one changes nothing, however final it is said to
//     be: the current one will find out itself; interruptions (a node
//     gone silent) are counted apart from failures. An attempt that is handed back
//     counts as neither: it waits for its message to be read once more.
//  11. A task given up on takes its part out of the song with the reason. A
//     render of an automatic definition gives way to a new definition without
//     the part, any other is planned again without it; with no part to blame the
//     render fails with the reason. A task that lacks an object blames nobody and
//     counts no failure: it is cancelled and its renders are planned again.
//  12. A render's preview can grow when all its sounds are there, and then
//     whenever its next segment and all before it are; one at a time lets it.
//  13. While a song rests it can be kept at rest; nothing of it begins meanwhile.
//  14. A node is known until it goes or has said nothing for NodeSilence.
//  15. Every step is an event, in the order of its sequence numbers, and wakes
//     the song's watchers of the same store handle (PostgreSQL: of every handle).
//  16. Pruned is only what is over, has not changed since the given time, and is neither
//     the newest of its song and name, nor the newest that is done, nor needed by one
//     that stays.
type Store interface {
	choirs
	songs
	parts
	renders
	work
	outbox
	events
	growth
	nodes

	// WhileIdle calls f while nothing of the song is going on: no render that is
	// not over, no task queued or running, no recording being ingested, no change
	// to be planned. Nothing can begin until f returns. f is told what renders
	// have used since the given time; it may be called more than once. False,
	// without f, when the song is busy; ErrNotFound when nobody knows it.
	WhileIdle(ctx context.Context, id definition.Song, since time.Time, f func(Idle) error) (bool, error)

	// Prune removes renders that are over, have not changed since before and are neither
	// the newest of their song and name nor the newest that is done, with their steps and
	// with the tasks that nothing else needs. It returns how many renders that were, also
	// beside an error, which is of some songs only.
	Prune(ctx context.Context, before time.Time) (int, error)

	// Ping reports whether the database answers.
	Ping(ctx context.Context) error
	// Close releases the handle. Watchers see their channels closed.
	Close() error
}

type choirs interface {
	// Choirs returns the choirs where something happened last, newest first.
	Choirs(ctx context.Context, limit int) ([]Choir, error)
}

type songs interface {
	// PutSong creates the song or replaces its settings, the song document as
	// JSON; nil leaves them. A song is planned again when they change.
	PutSong(ctx context.Context, id definition.Song, settings json.RawMessage) error
	// SetAuto says whether an automatic definition is made; songs start with true.
	SetAuto(ctx context.Context, id definition.Song, auto bool) error
	// EditSong replaces the settings of a song, and whether an automatic definition is
	// made, by what edit makes of the song, with nothing in between. It may be called more
	// than once; its error changes nothing.
	EditSong(ctx context.Context, id definition.Song, edit func(Song) (settings json.RawMessage, auto bool, _ error)) error
	Song(ctx context.Context, id definition.Song) (Song, error)
	// Songs returns the songs of a choir changed last, newest first; of all choirs
	// for the empty id.
	Songs(ctx context.Context, choir definition.ChoirID, limit int) ([]Song, error)
	// TouchSong asks for the song to be planned again.
	TouchSong(ctx context.Context, id definition.Song) error
	// ReviveSong takes dropped parts back in, gives refused recordings another
	// try and asks for the song to be planned again.
	ReviveSong(ctx context.Context, id definition.Song) error
	// ClaimSong claims a song that should be planned. ErrNotFound when none should.
	ClaimSong(ctx context.Context, owner string, lease time.Duration) (SongClaim, error)
	ExtendSong(ctx context.Context, c SongClaim, lease time.Duration) error
	// SaveAlignment stores where the parts belong and from what (a hash) that
	// was found.
	SaveAlignment(ctx context.Context, c SongClaim, from string, found []Alignment) error
	// SongPlanned ends the claim: what the song was when claimed is planned.
	// problem says why there is nothing to render, and then ends the
	// automatic renders of the song that are still going.
	SongPlanned(ctx context.Context, c SongClaim, problem string) error
	// ReleaseSong ends the claim with the song still to be planned, after delay.
	ReleaseSong(ctx context.Context, c SongClaim, delay time.Duration) error
}

type parts interface {
	// PutPart creates the part or replaces its document.
	PutPart(ctx context.Context, id PartID, doc json.RawMessage) error
	// EditPart replaces the document of a part by what edit makes of it, nil for none,
	// with nothing in between. It may be called more than once; its error changes nothing.
	EditPart(ctx context.Context, id PartID, edit func(doc json.RawMessage) (json.RawMessage, error)) error
	Part(ctx context.Context, id PartID) (Part, error)
	// Parts returns the parts of a song in the order of their ids.
	Parts(ctx context.Context, id definition.Song) ([]Part, error)
	// Uploaded notes a recording and its ingest task. False when both were known.
	Uploaded(ctx context.Context, u Upload) (bool, error)
	// Recordings yields the raw key and ETag of every part that has one.
	Recordings(ctx context.Context) (map[string]string, error)
}

type renders interface {
	// AddRender notes a definition. False when it was known: see 5.
	AddRender(ctx context.Context, n NewRender) (Render, bool, error)
	Render(ctx context.Context, run string) (Render, error)
	// LatestRender returns the newest render of a definition name.
	LatestRender(ctx context.Context, id definition.Song, name string) (Render, error)
	// LatestBrief is LatestRender without Plan and Definition, which may be large: for
	// whoever wants to know how far it is.
	LatestBrief(ctx context.Context, id definition.Song, name string) (Render, error)
	// Renders returns the renders of a song, newest first; of all songs for the
	// zero Song. Plan and Definition are left empty.
	Renders(ctx context.Context, id definition.Song, limit int) ([]Render, error)
	// Definitions returns the ETag of the newest render of every definition key.
	Definitions(ctx context.Context) (map[string]string, error)

	// ClaimRender claims a render that waits for a step of the coordinator, in
	// one of the given states. ErrNotFound when none does.
	ClaimRender(ctx context.Context, owner string, lease time.Duration, states ...RenderState) (Render, error)
	ExtendRender(ctx context.Context, c Claim, lease time.Duration) error
	// ReleaseRender ends the claim with the step still to be done, after delay;
	// a failure is counted when err is not empty, and the count returned.
	ReleaseRender(ctx context.Context, c Claim, delay time.Duration, err string) (failures int, _ error)
	// PlanRender stores the plan and its tasks and ends the claim: Rendering, or
	// Checking when everything was done before.
	PlanRender(ctx context.Context, c Claim, p Planned) error
	// StackRender adds the stacking tasks and ends the claim: Stacking, or
	// Finishing when there is nothing (left) to stack.
	StackRender(ctx context.Context, c Claim, add []NewTask) error
	// RenderPercent notes how far the finishing is, 0..100.
	RenderPercent(ctx context.Context, c Claim, percent float64) error
	// FinishRender stores the facts of the final and ends the claim: Done.
	FinishRender(ctx context.Context, c Claim, output json.RawMessage, warnings []Warning) error
	// FailRender ends the claim and the render.
	FailRender(ctx context.Context, c Claim, reason string) error
	// CancelRender ends a render that is not over; false when it was.
	CancelRender(ctx context.Context, run, reason string) (bool, error)
	// RefinishRender makes a done render go through Finishing once more because
	// its final is gone or is not its own. ErrLost when it is not the newest
	// render of its name.
	RefinishRender(ctx context.Context, run string) error
}

type work interface {
	Task(ctx context.Context, id definition.Song, key string) (Task, error)
	// Tasks returns the tasks of a render in plan order.
	Tasks(ctx context.Context, run string) ([]Task, error)
	// Counts sums up the tasks of a render by kind and state.
	Counts(ctx context.Context, run string) ([]Count, error)
	// TaskNews notes that an attempt runs and how far it is. False when the task
	// is over or unknown.
	TaskNews(ctx context.Context, n News) (bool, error)
	// ReturnTask notes that a delivery of an attempt has been handed back to the
	// queue: see 10. Later news of it are nothing new.
	ReturnTask(ctx context.Context, n News) (bool, error)
	// CompleteTask notes a result. False when it was known: see 8.
	CompleteTask(ctx context.Context, d Done) (bool, error)
	// FailTask notes a failed attempt: see 10 and 11.
	FailTask(ctx context.Context, f Failure) (Verdict, error)
	// RedoTasks makes done tasks be done again because their objects are gone, all at
	// once; those that are not known or not done are left alone.
	RedoTasks(ctx context.Context, id definition.Song, keys ...string) error
	// Sweep queues again what went silent and resends what was never started. It returns
	// what it did also beside an error, which is of some tasks only.
	Sweep(ctx context.Context, s Sweep) (Swept, error)
}

type growth interface {
	// ClaimGrowth claims a render whose preview could grow, until Grown or the
	// end of the lease. ErrNotFound when none could.
	ClaimGrowth(ctx context.Context, lease time.Duration) (Growth, error)
	// Grown notes that the preview has that many segments and ends the claim;
	// the render is not claimed again for the length of rest. ErrLost when the
	// claim is no longer held, or the render was planned anew.
	Grown(ctx context.Context, g Growth, segments int, rest time.Duration) error
}

type nodes interface {
	// PutNode notes what a render node said of itself; nil forgets it.
	PutNode(ctx context.Context, name string, about *plan.Node) error
	// Nodes returns the nodes that were heard of within NodeSilence, by name.
	Nodes(ctx context.Context) ([]Node, error)
}

type outbox interface {
	// Outgoing takes up to max messages that are due, for a sender that will
	// call Sent before lease runs out. None while window tasks are sent and
	// not started.
	Outgoing(ctx context.Context, max, window int, lease time.Duration) ([]Message, error)
	// Sent notes that the messages are in the queue.
	Sent(ctx context.Context, sent []Message) error
	// Pending returns how many tasks wait unsent, are sent, and run.
	Pending(ctx context.Context) (unsent, sent, running int, _ error)
}

type events interface {
	// Record adds steps that are not the doing of another call.
	Record(ctx context.Context, e ...Event) error
	// Events returns steps after the given sequence number, oldest first; of
	// all songs for the zero Song.
	Events(ctx context.Context, id definition.Song, after int64, limit int) ([]Event, error)
	// Legacy returns the newest steps that the old front-end knows, newest
	// first; of one status unless status is empty.
	Legacy(ctx context.Context, id definition.Song, status definition.Status, limit int) ([]Event, error)
	// Watch returns a channel that becomes readable after something of the song
	// changed, of any song for the zero Song; changes that come close together
	// are one. Closed when ctx is done. It is a hint: poll as well.
	Watch(ctx context.Context, id definition.Song) <-chan struct{}
}
