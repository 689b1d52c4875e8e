// Package web is the HTTP API and the status page. It reads the store, asks the
// coordinator for changes, and serves finals, previews and snapshots from their
// buckets. It keeps no state, so that any number of processes may serve it.
//
//	GET  /                                       songs, of all choirs or of ?choir=ID
//	GET  /songs/{choir}/{song}                   a song, live
//	GET  /media/{bucket}/{key}                   preview, final, snapshots; ranges
//	                                             (status.Song's growing.playlist: HLS while a render goes on)
//	GET  /healthz, /readyz                       this process; the database and the buckets
//
//	GET  /api/choirs                             choirs where something happened last
//	GET  /api/songs                              songs changed last, of all choirs or of ?choir=ID
//	GET  /api/events                             the same as they change (server-sent events)
//	GET  /api/nodes                              the render nodes: what composes and encodes there
//	GET  /api/songs/{choir}/{song}               status.Song
//	GET  /api/songs/{choir}/{song}/events        the same as it changes (server-sent events)
//	GET  /api/songs/{choir}/{song}/history       every step, ?after=SEQ&limit=N
//	GET  /api/songs/{choir}/{song}/renders       newest first
//	GET  /api/songs/{choir}/{song}/definition    what the newest render was made from
//	POST /api/songs/{choir}/{song}/render        the newest definition once more
//	POST /api/songs/{choir}/{song}/retry         dropped and refused parts get another chance
//	GET  /api/songs/{choir}/{song}/settings      what its automatic definition is made with
//	PUT  /api/songs/{choir}/{song}/settings      replaces that: name, output, layout, auto,
//	                                             which is true where it is not said
//	PATCH  …/settings                            changes the fields it names; null takes one back
//	GET  /api/songs/{choir}/{song}/parts         part documents
//	GET  /api/songs/{choir}/{song}/parts/{part}  one
//	PUT  /api/songs/{choir}/{song}/parts/{part}  replaces one
//	PATCH  …/parts/{part}                        changes the fields it names; null takes one back
//	POST /api/runs/{run}/cancel                  ends a render
//
// A song may have definitions beside the automatic one: ?name=NAME picks one.
//
// For front-ends of the original there are GET and POST /render and GET
// /render/done, which speak of the six statuses that those know.
//
// Nobody is asked who he is: put it behind something that does. Requests from
// pages of other sites that would change anything are refused.
package web
