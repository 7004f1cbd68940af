// A client that nobody of this project wrote: containerd's own ttrpc, as Debian packages it, against a server
// that has cowbird.v1.Health and cowbird.v1.Echo.
//
//	conformance [SOCKET]		(else $COWBIRD_SOCKET)
//
// It is built without modules from /usr/share/gocode (see the Makefile's target test-go). Debian's ttrpc is 1.1:
// unary calls. Messages are plain structs with protobuf tags, as ttrpc's own are, so that no generator is needed.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/containerd/ttrpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type EchoRequest struct {
	Payload    []byte `protobuf:"bytes,1,opt,name=payload,proto3"`
	Number     uint64 `protobuf:"varint,2,opt,name=number,proto3"`
	Repeat     uint32 `protobuf:"varint,3,opt,name=repeat,proto3"`
	DelayNanos uint64 `protobuf:"varint,4,opt,name=delay_nanos,proto3"`
	FailCode   int32  `protobuf:"varint,5,opt,name=fail_code,proto3"`
}

func (r *EchoRequest) Reset()         { *r = EchoRequest{} }
func (r *EchoRequest) String() string { return fmt.Sprintf("%+#v", r) }
func (r *EchoRequest) ProtoMessage()  {}

type EchoResponse struct {
	Payload []byte `protobuf:"bytes,1,opt,name=payload,proto3"`
	Number  uint64 `protobuf:"varint,2,opt,name=number,proto3"`
}

func (r *EchoResponse) Reset()         { *r = EchoResponse{} }
func (r *EchoResponse) String() string { return fmt.Sprintf("%+#v", r) }
func (r *EchoResponse) ProtoMessage()  {}

type HealthCheckRequest struct {
	Service string `protobuf:"bytes,1,opt,name=service,proto3"`
}

func (r *HealthCheckRequest) Reset()         { *r = HealthCheckRequest{} }
func (r *HealthCheckRequest) String() string { return fmt.Sprintf("%+#v", r) }
func (r *HealthCheckRequest) ProtoMessage()  {}

type HealthCheckResponse struct {
	Status int32  `protobuf:"varint,1,opt,name=status,proto3"`
	Reason string `protobuf:"bytes,2,opt,name=reason,proto3"`
}

func (r *HealthCheckResponse) Reset()         { *r = HealthCheckResponse{} }
func (r *HealthCheckResponse) String() string { return fmt.Sprintf("%+#v", r) }
func (r *HealthCheckResponse) ProtoMessage()  {}

const (
	echo   = "cowbird.v1.Echo"
	health = "cowbird.v1.Health"
)

var path string

func dial() *ttrpc.Client {
	connection, err := net.Dial("unix", path)
	must(err)
	return ttrpc.NewClient(connection)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func claim(holds bool, format string, arguments ...interface{}) {
	if !holds {
		panic(fmt.Sprintf(format, arguments...))
	}
}

// call ends a call after a while, whatever the server does.
func call(client *ttrpc.Client, timeout time.Duration, service, method string, request, answer interface{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return client.Call(ctx, service, method, request, answer)
}

func healthTellsThatItServes(client *ttrpc.Client) {
	var answer HealthCheckResponse
	must(call(client, 10*time.Second, health, "Check", &HealthCheckRequest{}, &answer))
	claim(answer.Status == 1, "status %d, not SERVING", answer.Status)
	err := call(client, 10*time.Second, health, "Check", &HealthCheckRequest{Service: "no.such"}, &answer)
	claim(status.Code(err) == codes.NotFound, "an unknown service is %v, not NOT_FOUND", err)
}

func whatGoesInComesOutAtEverySize(client *ttrpc.Client) {
	for _, size := range []int{0, 1, 127, 128, 16383, 16384, 65536, 1 << 20, 4<<20 - 100} {
		payload := bytes.Repeat([]byte{0xa5}, size)
		var answer EchoResponse
		request := &EchoRequest{Payload: payload, Number: uint64(size)}
		must(call(client, 20*time.Second, echo, "Unary", request, &answer))
		claim(bytes.Equal(answer.Payload, payload) && answer.Number == uint64(size), "%d bytes came back wrong", size)
	}
}

func everyStatusArrives(client *ttrpc.Client) {
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		var answer EchoResponse
		request := &EchoRequest{Payload: []byte("because"), FailCode: int32(code)}
		err := call(client, 10*time.Second, echo, "Unary", request, &answer)
		got, _ := status.FromError(err)
		claim(got.Code() == code, "code %v came back as %v", code, err)
		claim(strings.Contains(got.Message(), "because"), "the message came back as %q", got.Message())
	}
}

func theUnknownIsUnimplemented(client *ttrpc.Client) {
	var answer EchoResponse
	err := call(client, 10*time.Second, echo, "Nothing", &EchoRequest{}, &answer)
	claim(status.Code(err) == codes.Unimplemented, "an unknown method is %v", err)
	err = call(client, 10*time.Second, "no.such.Service", "Unary", &EchoRequest{}, &answer)
	claim(status.Code(err) == codes.Unimplemented, "an unknown service is %v", err)
}

func deadlinesEndTheCallAndNotTheConnection(client *ttrpc.Client) {
	var answer EchoResponse
	request := &EchoRequest{DelayNanos: uint64(5 * time.Second)}
	begin := time.Now()
	err := call(client, 50*time.Millisecond, echo, "Unary", request, &answer)
	late := errors.Is(err, context.DeadlineExceeded) || status.Code(err) == codes.DeadlineExceeded
	claim(late, "a late call ended as %v", err)
	claim(time.Since(begin) < 3*time.Second, "it took %v", time.Since(begin))
	must(call(client, 10*time.Second, echo, "Unary", &EchoRequest{Number: 7}, &answer))
	claim(answer.Number == 7, "the call after it got %d", answer.Number)
}

// The server's own deadline: the context has none that ends here, but the envelope says 30 ms.
func theServerKeepsToTheDeadlineItIsTold() {
	connection, err := net.Dial("unix", path)
	must(err)
	defer connection.Close()
	request := []byte("\x0a\x0fcowbird.v1.Echo\x12\x05Unary\x1a\x06\x20\x80\xc8\xaf\xa0\x25\x20\x80\x87\xa7\x0e")
	frame := append([]byte{0, 0, 0, byte(len(request)), 0, 0, 0, 1, 1, 0}, request...)
	_, err = connection.Write(frame)
	must(err)
	must(connection.SetReadDeadline(time.Now().Add(5 * time.Second)))
	answer := make([]byte, 4096)
	count, err := connection.Read(answer)
	must(err)
	claim(count > 14 && answer[8] == 2 && bytes.Contains(answer[:count], []byte{0x08, 4}),
		"the answer is %x, no DEADLINE_EXCEEDED", answer[:count])
}

func metadataDoesNotDisturb(client *ttrpc.Client) {
	background, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ctx := ttrpc.WithMetadata(background, ttrpc.MD{"who": {"go", "again"}, "trace": {"7"}})
	var answer EchoResponse
	must(client.Call(ctx, echo, "Unary", &EchoRequest{Payload: []byte("x")}, &answer))
	claim(string(answer.Payload) == "x", "the payload came back as %q", answer.Payload)
}

func manyCallsRunAtTheSameTime(client *ttrpc.Client) {
	var group sync.WaitGroup
	failures := make(chan error, 4000)
	for caller := 0; caller < 40; caller++ {
		group.Add(1)
		go func(caller int) {
			defer group.Done()
			for n := 0; n < 100; n++ {
				number := uint64(caller*1000 + n)
				payload := []byte(strings.Repeat(fmt.Sprint(number), 1+n%20))
				var answer EchoResponse
				request := &EchoRequest{Payload: payload, Number: number}
				if n%25 == 0 {
					request.DelayNanos = uint64(time.Millisecond)
				}
				if err := call(client, 30*time.Second, echo, "Unary", request, &answer); err != nil {
					failures <- err
				} else if answer.Number != number || !bytes.Equal(answer.Payload, payload) {
					failures <- fmt.Errorf("call %d got the answer of %d", number, answer.Number)
				}
			}
		}(caller)
	}
	group.Wait()
	select {
	case err := <-failures:
		panic(err)
	default:
	}
}

func main() {
	path = os.Getenv("COWBIRD_SOCKET")
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	if path == "" {
		fmt.Fprintln(os.Stderr, "usage: conformance SOCKET")
		os.Exit(2)
	}
	client := dial()
	defer client.Close()
	for _, test := range []struct {
		name string
		run  func(*ttrpc.Client)
	}{
		{"health tells that it serves", healthTellsThatItServes},
		{"what goes in comes out at every size", whatGoesInComesOutAtEverySize},
		{"every status arrives with code and message", everyStatusArrives},
		{"the unknown is unimplemented", theUnknownIsUnimplemented},
		{"deadlines end the call and not the connection", deadlinesEndTheCallAndNotTheConnection},
		{"the server keeps to the deadline it is told", func(*ttrpc.Client) { theServerKeepsToTheDeadlineItIsTold() }},
		{"metadata does not disturb", metadataDoesNotDisturb},
		{"4,000 calls of 40 callers on one connection", manyCallsRunAtTheSameTime},
	} {
		fmt.Println(" ", test.name)
		test.run(client)
	}
}
